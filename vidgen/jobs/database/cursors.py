"""Pages of long lists. A cursor names the last row of a page, so rows that come or go shift nothing."""

import base64
import binascii
import math
from typing import TypeVar

from sqlalchemy import Select, tuple_
from sqlalchemy.orm import Session
from sqlmodel import col

from vidgen.errors import VidgenError
from vidgen.jobs.database.tables import ApiKeyRow, EndpointRow, JobRow, OutboxRow, UploadRow

Row = TypeVar("Row", JobRow, ApiKeyRow, EndpointRow, OutboxRow, UploadRow)


def page(
    session: Session,
    table: type[Row],
    statement: Select[Row],
    limit: int,
    cursor: str | None,
    *,
    oldest_first: bool = False,
) -> tuple[list[Row], str | None]:
    """At most `limit` rows that `statement` selects, and the cursor of the next page if there is one.

    Raises VidgenError invalid_cursor.
    """
    moment, name = col(table.created_at), col(table.id)
    if cursor is not None:
        place, last = tuple_(moment, name), tuple_(*_read(cursor))
        statement = statement.where(place > last if oldest_first else place < last)
    order = (moment.asc(), name.asc()) if oldest_first else (moment.desc(), name.desc())
    rows = list(session.scalars(statement.order_by(*order).limit(limit + 1)))
    return rows[:limit], cursor_after(rows[limit - 1]) if len(rows) > limit else None


def cursor_after(row: JobRow | ApiKeyRow | EndpointRow | OutboxRow | UploadRow) -> str:
    """The cursor with which a list goes on after this row."""
    return base64.urlsafe_b64encode(f"{row.created_at!r} {row.id}".encode()).decode().rstrip("=")


def _read(cursor: str) -> tuple[float, str]:
    try:
        padded = (cursor + "=" * (-len(cursor) % 4)).encode("ascii")
        moment, name = base64.b64decode(padded, altchars=b"-_", validate=True).decode().split(" ")
        if not math.isfinite(float(moment)) or "\0" in name:
            raise ValueError
    except (ValueError, binascii.Error) as error:
        raise VidgenError("cursor: use the next_cursor of an earlier answer", code="invalid_cursor") from error
    return float(moment), name
