"""A load generator that costs little: one thread, kept connections, requests that are bytes already.

It shares its cores with the server that it measures, so what it spends on a request is missing there; hence no HTTP
library. It reads the status and the length of an answer and nothing else.
"""

import os
import select
import socket
import time
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

READ = 1 << 16


@dataclass(frozen=True)
class Server:
    """A process on this machine and its port."""

    pid: int
    port: int

    def cpu_seconds(self) -> float:
        """User and system time of the process so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def ask(self, request: bytes) -> tuple[int, bytes]:
        """Status and body of one request, on a connection of its own."""
        with closing(_Connection(self.port, request)) as connection:
            connection.socket.setblocking(True)
            while not connection.read():
                pass
            return connection.status, connection.body


@dataclass
class Measured:
    """Answers of one phase: how many, how many not as expected, seconds each, and processor seconds of both sides."""

    name: str
    seconds: float = 0.0
    server_cpu: float = 0.0
    own_cpu: float = 0.0
    errors: int = 0
    latencies: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        return len(self.latencies) / self.seconds

    @property
    def cpu_each(self) -> float:
        """The server's processor time for one request, seconds."""
        return self.server_cpu / len(self.latencies)

    def percentile(self, share: float) -> float:
        return sorted(self.latencies)[min(len(self.latencies) - 1, int(share * len(self.latencies)))]

    def __str__(self) -> str:
        return (
            f"{self.name:24} {self.rate:6.0f} /s   p50 {1000 * self.percentile(0.5):6.1f} ms   "
            f"p99 {1000 * self.percentile(0.99):6.1f} ms   errors {self.errors}   "
            f"CPU each: server {1000 * self.cpu_each:.2f} ms, client {1000 * self.own_cpu / len(self.latencies):.2f} ms"
        )


class _Connection:
    """A kept connection with one request under way."""

    def __init__(self, port: int, request: bytes) -> None:
        self._request = request
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.send()

    def send(self) -> None:
        self._buffer, self.status, self.asked = b"", 0, time.monotonic()
        self.socket.send(self._request)

    def read(self) -> bool:
        """Take in what has come; whether the answer is there. Raises OSError when the server has hung up."""
        came = self.socket.recv(READ)
        if not came:
            raise ConnectionResetError("the server has hung up")
        self._buffer += came
        head, end, self.body = self._buffer.partition(b"\r\n\r\n")
        if not end:
            return False
        self.status = int(head[9:12])
        length = head[head.lower().index(b"content-length:") + 15 :].split(b"\r\n", 1)[0]
        return len(self.body) >= int(length)

    def close(self) -> None:
        self.socket.close()


def measure(server: Server, name: str, request: bytes, status: int, seconds: float, connections: int) -> Measured:
    """Send `request` again and again over each connection; any status but this one is an error.

    Raises OSError when the server hangs up.
    """
    measured, poll = Measured(name), select.epoll()
    begun, own, cpu = time.monotonic(), time.thread_time(), server.cpu_seconds()
    opened = {it.socket.fileno(): it for it in (_Connection(server.port, request) for _ in range(connections))}
    for number in opened:
        poll.register(number, select.EPOLLIN)
    while time.monotonic() - begun < seconds:
        for number, _ in poll.poll(1):
            connection = opened[number]
            if connection.read():
                measured.latencies.append(time.monotonic() - connection.asked)
                measured.errors += connection.status != status
                connection.send()
    measured.seconds, measured.own_cpu = time.monotonic() - begun, time.thread_time() - own
    measured.server_cpu = server.cpu_seconds() - cpu
    poll.close()
    for connection in opened.values():
        connection.close()
    return measured
