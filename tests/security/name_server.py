"""A name server on loopback that changes its mind, and a lookup that asks it over the wire."""

import socket
import struct
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

HEADER = struct.Struct(">6H")
ANSWER = struct.Struct(">HHHIH4s")
NAME_POINTER, TYPE_A, CLASS_IN = 0xC00C, 1, 1


@dataclass
class NameServer:
    """`answers[n]` are the addresses told to question n; the last ones stay. No answer may be kept (TTL 0)."""

    answers: Sequence[Sequence[str]]
    asked: list[str] = field(default_factory=list)
    port: int = 0

    def getaddrinfo(self, host: str, port: int, *_: Any, **__: Any) -> list[tuple[Any, ...]]:
        """What socket.getaddrinfo would say on a machine that uses this server. Numbers are never asked for."""
        try:
            socket.inet_aton(host)
            addresses = [host]
        except OSError:
            addresses = self._ask(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    def _ask(self, host: str) -> list[str]:
        labels = b"".join(bytes([len(label)]) + label.encode() for label in host.split(".")) + b"\0"
        question = HEADER.pack(7, 0x0100, 1, 0, 0, 0) + labels + struct.pack(">HH", TYPE_A, CLASS_IN)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(5)
            client.sendto(question, ("127.0.0.1", self.port))
            message = client.recv(512)
        count = HEADER.unpack_from(message)[3]
        records = (ANSWER.unpack_from(message, len(question) + n * ANSWER.size) for n in range(count))
        return [socket.inet_ntoa(record[-1]) for record in records]

    def reply(self, question: bytes) -> bytes:
        self.asked.append(_name(question))
        addresses = self.answers[min(len(self.asked), len(self.answers)) - 1]
        head = HEADER.pack(HEADER.unpack_from(question)[0], 0x8180, 1, len(addresses), 0, 0)
        records = (ANSWER.pack(NAME_POINTER, TYPE_A, CLASS_IN, 0, 4, socket.inet_aton(it)) for it in addresses)
        return head + question[HEADER.size :] + b"".join(records)


@contextmanager
def name_server(*answers: Sequence[str]) -> Iterator[NameServer]:
    """Runs until the block ends."""
    state = NameServer(answers)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        state.port = server.getsockname()[1]

        def serve() -> None:
            while len(question := server.recvfrom(512)) and (message := question[0]):
                server.sendto(state.reply(message), question[1])

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield state
        finally:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
                last.sendto(b"", ("127.0.0.1", state.port))  # an empty message ends it
            thread.join()


def _name(question: bytes) -> str:
    labels, at = [], HEADER.size
    while length := question[at]:
        labels.append(question[at + 1 : at + 1 + length].decode())
        at += 1 + length
    return ".".join(labels)
