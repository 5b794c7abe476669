"""The database's clock, the only one that leases obey: a worker with a wrong clock changes nothing.

All stored times are seconds since 1970 as a double, so that SQLite and PostgreSQL compare them alike.
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Double, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


class DatabaseNow(FunctionElement[float]):
    """Seconds since 1970 by the database's clock, as a part of any statement."""

    type = Double()
    name = "vidgen_now"
    inherit_cache = True


@compiles(DatabaseNow, "sqlite")
def _sqlite_now(_element: DatabaseNow, _compiler: SQLCompiler, **_: Any) -> str:
    # unixepoch('subsec') is NULL before SQLite 3.42; julianday is exact to the millisecond everywhere
    return "((julianday('now') - 2440587.5) * 86400.0)"


@compiles(DatabaseNow, "postgresql")
def _postgresql_now(_element: DatabaseNow, _compiler: SQLCompiler, **_: Any) -> str:
    return "CAST(EXTRACT(EPOCH FROM clock_timestamp()) AS DOUBLE PRECISION)"


# asked within every write: made once, as making it takes longer than running it
_NOW = select(DatabaseNow())


def database_now(session: Session | Connection) -> float:
    """Seconds since 1970, asked of the database within the running transaction."""
    now = session.scalar(_NOW)
    assert now is not None
    return float(now)


def as_datetime(seconds: float) -> datetime:
    """An aware UTC datetime from a stored time."""
    return datetime.fromtimestamp(seconds, UTC)


def as_optional_datetime(seconds: float | None) -> datetime | None:
    """As `as_datetime`, for columns that may be empty."""
    return None if seconds is None else as_datetime(seconds)
