"""Which failures are the database being away, busy or full, and not a fault of the service."""

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as NoConnectionFree

from vidgen.telemetry.logs import masked


def is_outage(error: BaseException) -> bool:
    """Whether the same request may well succeed later: no connection, a lost one, a lock that was not to be had."""
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    return isinstance(error, OperationalError | InterfaceError | NoConnectionFree)


def is_disk_full(error: BaseException) -> bool:
    """Whether the statement failed for want of room; then it changed nothing."""
    # as SQLite and the operating system say it
    return isinstance(error, OperationalError) and any(it in str(error.orig) for it in ("full", "No space left"))


def told(error: SQLAlchemyError) -> str:
    """The first line of what the database's driver said, without passwords."""
    text = str(error.orig if isinstance(error, DBAPIError) else error)
    return masked(text.strip().partition("\n")[0])
