"""A file and a host that nobody may touch, and what tells when somebody did."""

import ctypes
import os
import select
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

IN_ACCESS, IN_OPEN, IN_NONBLOCK = 0x1, 0x20, 0x800


@dataclass
class Canaries:
    """`file` is a clip that could be read; `calls` are the connections to `url`."""

    file: Path
    url: str
    watch: int
    calls: list[object] = field(default_factory=list)

    def opened(self) -> bool:
        """Whether anybody has opened or read the file since the last look, by the kernel's word."""
        ready, _, _ = select.select([self.watch], [], [], 0.05)
        if ready:
            os.read(self.watch, 65536)
        return bool(ready)


@contextmanager
def canaries(file: Path) -> Iterator[Canaries]:
    """Watch `file` (Linux's inotify) and listen on a port of loopback."""
    libc = ctypes.CDLL(None, use_errno=True)
    watch = libc.inotify_init1(IN_NONBLOCK)
    if watch < 0 or libc.inotify_add_watch(watch, os.fsencode(file), IN_ACCESS | IN_OPEN) < 0:
        raise OSError(ctypes.get_errno(), "inotify")
    with socket.create_server(("127.0.0.1", 0)) as server:
        state = Canaries(file, f"http://127.0.0.1:{server.getsockname()[1]}/canary.mp4", watch)

        def listen() -> None:
            while True:
                try:
                    connection, caller = server.accept()
                except OSError:
                    return
                connection.close()
                state.calls.append(caller)

        threading.Thread(target=listen, daemon=True).start()
        try:
            yield state
        finally:
            os.close(watch)
            server.shutdown(socket.SHUT_RDWR)
