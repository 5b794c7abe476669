"""Who did what: an append-only log in which every entry holds the hash of the one before.

An entry is written by the transaction that it tells of. Whoever changes, inserts or removes an entry breaks the chain
behind it; whoever cuts off its end is found out by anybody who wrote down an earlier `head`.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Engine, Select, select
from sqlalchemy.orm import Session
from sqlmodel import col

from vidgen.jobs.database.clock import as_datetime, database_now
from vidgen.jobs.database.session import AUDIT_LOCK, lock, reading
from vidgen.jobs.database.tables import AuditRow
from vidgen.spec.base import SpecModel

START = "0" * 64
BATCH = 500


class Entry(SpecModel):
    """One line of the log. `actor` is a key's id, `local` (this machine's user) or `command line`."""

    n: int
    tenant: str
    actor: str
    action: str
    subject: str
    detail: dict[str, str]
    created_at: datetime
    sha256: str


class Verdict(SpecModel):
    """What a walk along the chain found: how many entries, the hash of the last, and the first that does not fit."""

    entries: int
    head: str
    broken_at: int | None = None


def append(
    session: Session, *, tenant: str, actor: str, action: str, subject: str, detail: Mapping[str, str] | None = None
) -> None:
    """Add an entry within the caller's transaction."""
    lock(session, AUDIT_LOCK)  # held to the commit, so that nobody else continues from the same entry
    last = session.scalar(select(AuditRow).order_by(col(AuditRow.n).desc()).limit(1))
    row = AuditRow(
        n=1 if last is None else last.n + 1,
        tenant=tenant,
        actor=actor,
        action=action,
        subject=subject,
        detail=dict(detail or {}),
        created_at=database_now(session),
        previous=START if last is None else last.sha256,
        sha256="",
    )
    row.sha256 = _hash(row)
    session.add(row)
    session.flush()


class AuditLog:
    """Reads the log; nothing here can write it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def entries(self, after: int = 0, limit: int = BATCH, tenant: str | None = None) -> tuple[Entry, ...]:
        """Entries numbered above `after`, oldest first, of one tenant or of all."""
        statement = select(AuditRow).where(col(AuditRow.n) > after).order_by(col(AuditRow.n)).limit(limit)
        if tenant is not None:
            statement = statement.where(col(AuditRow.tenant) == tenant)
        with reading(self._engine) as session:
            return tuple(_view(row) for row in session.scalars(statement))

    def verify(self, head: tuple[int, str] | None = None) -> Verdict:
        """Walk the whole chain. `head` is the number and hash of an entry that somebody wrote down earlier."""
        n, previous = 0, START
        with reading(self._engine) as session:
            while rows := session.scalars(_following(n).limit(BATCH)).all():
                for row in rows:
                    if row.n != n + 1 or row.previous != previous or row.sha256 != _hash(row):
                        return Verdict(entries=n, head=previous, broken_at=n + 1)
                    n, previous = row.n, row.sha256
                    if head is not None and head[0] == n and head[1] != previous:
                        return Verdict(entries=n, head=previous, broken_at=n)
        if head is not None and n < head[0]:
            return Verdict(entries=n, head=previous, broken_at=n + 1)
        return Verdict(entries=n, head=previous)


def _following(n: int) -> Select[AuditRow]:
    return select(AuditRow).where(col(AuditRow.n) > n).order_by(col(AuditRow.n))


def _hash(row: AuditRow) -> str:
    fields = [row.previous, row.n, row.tenant, row.actor, row.action, row.subject, row.detail, repr(row.created_at)]
    return hashlib.sha256(json.dumps(fields, sort_keys=True, ensure_ascii=True).encode()).hexdigest()


def _view(row: AuditRow) -> Entry:
    fields = row.model_dump(exclude={"previous", "created_at"})
    return Entry.model_validate(fields | {"created_at": as_datetime(row.created_at)})
