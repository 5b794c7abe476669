"""The load floor of the web process (promise 21): requests a second with the load generator beside it.

Starts `vidgen web` on a fresh SQLite database in a folder of its own, on the same two cores as this program, sends
requests over a few kept connections, then opens 300 connections that send and read a byte at a time and asks for
/healthz meanwhile. Prints every figure, with the processor seconds that the web process spent on each request, which
tell more than the rate where other programs compete for the cores. No worker runs: POSTs fill the queue.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.integration.servers import free_port

FLOORS = {"GET job": 500.0, "POST job": 250.0}
SLOW_CLIENTS, HEALTH_P99_SECONDS = 300, 0.5
CONNECTIONS = 8
CORES = {0, 1}
SPEC = {"task": "text-to-video", "prompt": "a red ball moves left on a blue background", "seed": 1}


@dataclass
class Measured:
    """Answers of one phase: how many, how many not as expected, seconds each, and the server's processor seconds."""

    name: str
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    errors: int = 0
    latencies: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        return len(self.latencies) / self.seconds

    def percentile(self, share: float) -> float:
        return sorted(self.latencies)[min(len(self.latencies) - 1, int(share * len(self.latencies)))]

    def __str__(self) -> str:
        per_request = 1000 * self.cpu_seconds / len(self.latencies)
        return (
            f"{self.name:24} {self.rate:7.0f} /s   p50 {1000 * self.percentile(0.5):6.1f} ms   "
            f"p99 {1000 * self.percentile(0.99):6.1f} ms   errors {self.errors}   server CPU {per_request:.2f} ms each"
        )


@dataclass(frozen=True)
class Server:
    process: "subprocess.Popen[bytes]"
    port: int

    def cpu_seconds(self) -> float:
        """User and system time of the web process so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    async def ask(self, request: bytes) -> tuple[int, bytes]:
        """One request on a connection of its own."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            return await exchange(reader, writer, request)
        finally:
            writer.close()


async def exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> tuple[int, bytes]:
    """Status and body of the answer to one request."""
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
    return int(head[9:12]), await reader.readexactly(length)


def request_bytes(method: str, path: str, body: object = None) -> bytes:
    data = b"" if body is None else json.dumps(body).encode()
    head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(data)}\r\n\r\n".encode() + data


async def measure(server: Server, name: str, request: bytes, status: int, seconds: float, connections: int) -> Measured:
    """Send `request` again and again over each connection; anything but `status` is an error."""
    measured = Measured(name)
    begun, cpu = time.monotonic(), server.cpu_seconds()

    async def client() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        while time.monotonic() - begun < seconds:
            asked = time.monotonic()
            try:
                answered, _ = await exchange(reader, writer, request)
            except (OSError, asyncio.IncompleteReadError):
                measured.errors += 1
                return
            measured.latencies.append(time.monotonic() - asked)
            measured.errors += answered != status
        writer.close()

    await asyncio.gather(*(client() for _ in range(connections)))
    measured.seconds, measured.cpu_seconds = time.monotonic() - begun, server.cpu_seconds() - cpu
    return measured


async def crawl(server: Server, request: bytes) -> None:
    """A client on a bad line: it sends and reads a byte at a time, and comes back when it is thrown out."""
    while True:
        with suppress(OSError):
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            for n in range(len(request)):
                writer.write(request[n : n + 1])
                await asyncio.sleep(0.25)
            while await reader.read(1):
                await asyncio.sleep(0.25)
            writer.close()


async def run(server: Server, seconds: float) -> list[Measured]:
    health = request_bytes("GET", "/healthz")
    create = request_bytes("POST", "/api/v1/jobs", SPEC)
    while True:
        with suppress(OSError):
            if (await server.ask(health))[0] == 200:
                break
        assert server.process.poll() is None, "the web process ended"
        await asyncio.sleep(0.1)
    _, body = await server.ask(create)
    show = request_bytes("GET", f"/api/v1/jobs/{json.loads(body)['id']}")
    await measure(server, "warming up", show, 200, 1.0, CONNECTIONS)
    found = [
        await measure(server, "GET job", show, 200, seconds, CONNECTIONS),
        await measure(server, "POST job", create, 202, seconds, CONNECTIONS),
    ]
    slow = [asyncio.create_task(crawl(server, show)) for _ in range(SLOW_CLIENTS)]
    await asyncio.sleep(2)
    found.append(await measure(server, f"/healthz, {SLOW_CLIENTS} slow", health, 200, seconds, 2))
    for task in slow:
        task.cancel()
    await asyncio.gather(*slow, return_exceptions=True)
    return found


def shortfalls(found: list[Measured]) -> list[str]:
    told = [f"{it.name}: {it.errors} errors" for it in found if it.errors]
    told += [f"{it.name}: below {FLOORS[it.name]:.0f} /s" for it in found if it.rate < FLOORS.get(it.name, 0.0)]
    if found[-1].percentile(0.99) >= HEALTH_P99_SECONDS:
        told.append(f"{found[-1].name}: p99 is not below {1000 * HEALTH_P99_SECONDS:.0f} ms")
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10.0, help="of each measurement")
    options = parser.parse_args()
    os.sched_setaffinity(0, CORES & os.sched_getaffinity(0) or os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        values = {"DATA_DIR": folder, "PORT": str(port), "MAX_QUEUED": "1000000", "MIN_FREE_MB": "0"}
        environment = os.environ | {f"VIDGEN_{name}": value for name, value in values.items()}
        with (Path(folder) / "web.log").open("wb") as log:
            command = [sys.executable, "-m", "vidgen.cli", "web"]
            process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        print(f"load before the start: {os.getloadavg()[0]:.1f} on {len(os.sched_getaffinity(0))} cores", flush=True)
        try:
            found = asyncio.run(run(Server(process, port), options.seconds))
        finally:
            process.terminate()
            process.wait(30)
    for measured in found:
        print(measured)
    missed = shortfalls(found)
    print("all floors are held" if not missed else "; ".join(missed))
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
