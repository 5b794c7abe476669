"""The load floor of the web process (promise 21): requests a second with the load generator beside it.

Starts `vidgen web` on a fresh SQLite database in a folder of its own, on the same two cores as this program, and beside
it the control: one bare Flask route under the same server, asked before and after everything else. Then sends requests
over a few kept connections, opens 300 connections that send and read a byte at a time, and asks for /healthz meanwhile.
No worker runs: POSTs fill the queue. Rates on a machine with other work say little; processor time for a request, and
how many times that of the control it is, say more.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from tests.bench import bare_server
from tests.bench.http_load import Measured, Server, measure
from tests.integration.servers import free_port

FLOORS = {"GET job": 500.0, "POST job": 250.0}
SLOW_CLIENTS, HEALTH_P99_SECONDS = 300, 0.5
CONNECTIONS = 8
CORES = (0, 1)
SPEC = {"task": "text-to-video", "prompt": "a red ball moves left on a blue background", "seed": 1}
SCOPES = ["jobs:read", "jobs:write"]
HEALTH = "/healthz"


@dataclass(frozen=True)
class Plan:
    """`pinned`: the server has one core and the generator the other; else they share both."""

    seconds: float
    pinned: bool

    @property
    def server_cores(self) -> set[int]:
        return {CORES[0]} if self.pinned else set(CORES)

    @property
    def own_cores(self) -> set[int]:
        return {CORES[1]} if self.pinned else set(CORES)


def request_bytes(method: str, path: str, body: object = None, key: str | None = None) -> bytes:
    data = b"" if body is None else json.dumps(body).encode()
    head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    named = "" if key is None else f"Authorization: Bearer {key}\r\n"
    return f"{head}{named}Content-Length: {len(data)}\r\n\r\n".encode() + data


@contextmanager
def started(command: list[str], path: str, cores: set[int], environment: dict[str, str]) -> Iterator[Server]:
    """A server that answers on `path`."""
    port = free_port()
    arguments = [sys.executable, *(word.format(port=port) for word in command)]
    process = subprocess.Popen(
        arguments,
        env=environment | {"VIDGEN_PORT": str(port)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=lambda: os.sched_setaffinity(0, cores),
    )
    server = Server(process.pid, port)
    try:
        while not _answers(server, path):
            assert process.poll() is None, f"{command} ended"
            time.sleep(0.1)
        yield server
    finally:
        process.terminate()
        process.wait(30)


def _answers(server: Server, path: str) -> bool:
    with suppress(OSError):
        return server.ask(request_bytes("GET", path))[0] == 200
    return False


def run(web: Server, bare: Server, plan: Plan) -> list[Measured]:
    _, made = web.ask(request_bytes("POST", "/api/v1/jobs", SPEC))
    _, key = web.ask(request_bytes("POST", "/api/v1/api-keys", {"scopes": SCOPES}))
    job, known = f"/api/v1/jobs/{json.loads(made)['id']}", json.loads(key)["key"]

    def phase(
        name: str, request: bytes, status: int = 200, of: Server = web, connections: int = CONNECTIONS
    ) -> Measured:
        return measure(of, name, request, status, plan.seconds, connections)

    control = request_bytes("GET", bare_server.PATH)
    for server, request in ((bare, control), (web, request_bytes("GET", job))):
        measure(server, "warming up", request, 200, 1.0, CONNECTIONS)
    found = [
        phase("control", control, of=bare),
        phase("GET job", request_bytes("GET", job)),
        phase("GET job, with a key", request_bytes("GET", job, key=known)),
        phase("POST job", request_bytes("POST", "/api/v1/jobs", SPEC), 202),
        phase("POST job, with a key", request_bytes("POST", "/api/v1/jobs", SPEC, known), 202),
        phase("control again", control, of=bare),
    ]
    command = [sys.executable, "-m", "tests.bench.slow_clients", str(web.port), str(SLOW_CLIENTS)]
    with subprocess.Popen(command) as slow:
        time.sleep(3)  # until they are connected
        found.append(phase(f"/healthz, {SLOW_CLIENTS} slow", request_bytes("GET", HEALTH), connections=2))
        assert slow.poll() is None, "the slow clients are gone"
        slow.terminate()
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
    parser.add_argument("--pinned", action="store_true", help="one core for the server, the other for the generator")
    options = parser.parse_args()
    plan = Plan(options.seconds, options.pinned)
    with tempfile.TemporaryDirectory() as folder:
        values = {"DATA_DIR": folder, "MAX_QUEUED": "1000000", "MIN_FREE_MB": "0", "RATE_LIMIT": "0"}
        environment = os.environ | {f"VIDGEN_{name}": value for name, value in values.items()}
        print(f"load before the start: {os.getloadavg()[0]:.1f} on {len(CORES)} cores", flush=True)
        with (
            started(["-m", "vidgen.cli", "web"], HEALTH, plan.server_cores, environment) as web,
            started(
                ["-m", "tests.bench.bare_server", "{port}"], bare_server.PATH, plan.server_cores, environment
            ) as bare,
        ):
            os.sched_setaffinity(0, plan.own_cores)
            found = run(web, bare, plan)
    for measured in found:
        print(f"{measured}, {measured.cpu_each / found[0].cpu_each:.1f} times the control's")
    missed = shortfalls(found)
    print("all floors are held" if not missed else "; ".join(missed))
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
