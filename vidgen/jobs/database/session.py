"""Engines, transactions and migrations. SQLite by default, PostgreSQL by URL; the callers do not notice which."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, OperationalError
from sqlalchemy.orm import Session

from vidgen.errors import VidgenError
from vidgen.jobs.database.outages import told
from vidgen.jobs.settings import Settings

BUSY_SECONDS = 15
# one for each thread of the web process, since opening one more costs as much as the request that it is for
POOL_SIZE, POOL_OVERFLOW = 16, 16
_POOL: dict[str, Any] = {"pool_size": POOL_SIZE, "max_overflow": POOL_OVERFLOW}
MIGRATIONS = Path(__file__).parent / "migrations"
# PostgreSQL gives each statement its own look unless it is told otherwise; SQLite's transactions have one anyway
READ_ONLY: dict[str, dict[str, Any]] = {
    "postgresql": {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True},
    "sqlite": {"vidgen_reads": True},
}
_LOCK = text("SELECT pg_advisory_xact_lock(:number)")
# one number for each thing that PostgreSQL must do one at a time and SQLite does so anyway
MIGRATION_LOCK, CREATE_LOCK, EVENT_LOCK, CLAIM_LOCK = 7_640_001, 7_640_002, 7_640_003, 7_640_004
AUDIT_LOCK, KEYS_LOCK = 7_640_011, 7_640_012


def make_engine(settings: Settings) -> Engine:
    """The engine for `settings.database_url`. Makes the folder of a SQLite file, not its tables (see migrate)."""
    url = _database_url(settings)
    if url.get_backend_name() != "sqlite":
        # errors are logged, and parameters hold prompts and addresses
        try:
            engine = create_engine(url, pool_pre_ping=True, hide_parameters=True, **_POOL)
        except (ImportError, NoSuchModuleError) as error:
            fix = "its driver is missing: use postgresql+psycopg://… and pip install 'vidgen[postgres]'"
            raise VidgenError(f"VIDGEN_DATABASE_URL: {fix}", code="invalid_setting") from error
        event.listen(engine, "connect", _prepare_postgresql)
        return engine
    if url.database:
        # prompts and results are nobody else's business; a folder that exists keeps its mode
        Path(url.database).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    patience = {"timeout": BUSY_SECONDS, "check_same_thread": False}
    engine = create_engine(url, hide_parameters=True, connect_args=patience, **_POOL)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def database_name(settings: Settings) -> str:
    """Where the database is, without its password."""
    return _database_url(settings).render_as_string(hide_password=True)


def is_missing_sqlite_file(settings: Settings) -> bool:
    """Whether the database is a file that the first start will make."""
    url = _database_url(settings)
    return url.get_backend_name() == "sqlite" and bool(url.database) and not Path(url.database or "").exists()


def migrate(settings: Settings) -> None:
    """Bring the database to this version's tables. Safe to call from several processes at once.

    Raises VidgenError database_unavailable (retryable) when it does not answer.
    """
    try:
        _migrate(settings)
    except OperationalError as error:
        message = f"the database of VIDGEN_DATABASE_URL does not answer: {told(error)}"
        raise VidgenError(message, code="database_unavailable", retryable=True) from error


def _migrate(settings: Settings) -> None:
    from alembic import command  # a third of the web process's imports, and needed once
    from alembic.config import Config

    engine = make_engine(settings)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    with engine.begin() as connection:
        lock(connection, MIGRATION_LOCK)
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    engine.dispose()


def _database_url(settings: Settings) -> URL:
    try:
        return make_url(settings.resolved_database_url)
    except ArgumentError:
        fix = "VIDGEN_DATABASE_URL: not a database URL such as postgresql+psycopg://user:password@host/name"
        raise VidgenError(fix, code="invalid_setting") from None


@contextmanager
def reading(engine: Engine) -> Iterator[Session]:
    """One consistent look at the database. On SQLite it neither waits for writers nor stops them."""
    with looking(engine) as connection, Session(connection, expire_on_commit=False) as session:
        yield session


@contextmanager
def looking(engine: Engine) -> Iterator[Connection]:
    """`reading` without the unit of work, which costs more than the statements that every request asks."""
    with engine.connect() as connection:
        yield connection.execution_options(**READ_ONLY.get(connection.dialect.name, {}))


@contextmanager
def writing(engine: Engine) -> Iterator[Session]:
    """One write transaction: committed at the end of the block, rolled back by an exception. No I/O inside it."""
    with Session(engine, expire_on_commit=False) as session, session.begin():
        yield session


@contextmanager
def writing_if_free(engine: Engine, wait_seconds: float) -> Iterator[Session]:
    """`writing` for what is not worth a wait: raises OperationalError when others hold a lock for longer than that."""
    milliseconds = int(wait_seconds * 1000)
    with engine.connect() as connection:
        raw = connection.connection.dbapi_connection
        is_sqlite = connection.dialect.name == "sqlite" and raw is not None
        try:
            if is_sqlite:
                # past SQLAlchemy, which would begin the transaction, and with it the wait, before this statement
                _set_patience(raw, milliseconds)
            with Session(connection, expire_on_commit=False) as session, session.begin():
                if not is_sqlite:
                    session.execute(text(f"SET LOCAL lock_timeout = '{milliseconds}ms'"))
                yield session
        finally:
            if is_sqlite:
                _set_patience(raw, BUSY_SECONDS * 1000)  # the connection goes back to where all others find it


def lock(target: Session | Connection, number: int) -> None:
    """Let one transaction at a time past this point. SQLite's BEGIN IMMEDIATE has done so already."""
    connection = connection_of(target)
    if connection.dialect.name == "postgresql":
        connection.execute(_LOCK, {"number": number})


def connection_of(target: Session | Connection) -> Connection:
    """What the session's own transaction runs on. Changes that it still holds back must be flushed first."""
    return target.connection() if isinstance(target, Session) else target


def _prepare_postgresql(connection: Any, _record: object) -> None:
    # a worker that is frozen within a transaction must not hold its locks for longer than others can wait
    with connection.cursor() as cursor:
        cursor.execute(f"SET idle_in_transaction_session_timeout = '{BUSY_SECONDS}s'")
        cursor.execute(f"SET lock_timeout = '{BUSY_SECONDS}s'")
    connection.commit()


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # the driver's own BEGIN is deferred and late; ours is said in _begin_sqlite
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={BUSY_SECONDS * 1000}"):
        connection.execute(f"PRAGMA {pragma}")


def _set_patience(connection: Any, milliseconds: int) -> None:
    connection.execute(f"PRAGMA busy_timeout={milliseconds}")


def _begin_sqlite(connection: Connection) -> None:
    # a deferred transaction that turns into a writer fails at once with "database is locked"; an immediate one waits
    how = "DEFERRED" if connection.get_execution_options().get("vidgen_reads") else "IMMEDIATE"
    begin = f"BEGIN {how}"
    try:
        # past SQLAlchemy, where this would cost as much as the statement that it is for
        connection.connection.execute(begin)
    except sqlite3.Error as error:
        # as SQLAlchemy tells it: above this line nobody looks for the driver's own errors
        raise DBAPIError.instance(begin, None, error, sqlite3.Error) from error
