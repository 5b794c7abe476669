"""What people may still change of a job that waits: its spec, its urgency, its deadline, its place in the line."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlmodel import col

from vidgen.errors import SpecError, VidgenError
from vidgen.jobs.awaited import check_sources
from vidgen.jobs.database.clock import as_datetime, database_now
from vidgen.jobs.database.session import CLAIM_LOCK, CREATE_LOCK, lock, writing
from vidgen.jobs.database.tables import JobRow
from vidgen.jobs.history import record
from vidgen.jobs.line.turns import LINE
from vidgen.jobs.owned_jobs import OwnedJobs
from vidgen.jobs.spec_hash import spec_hash
from vidgen.jobs.views import Job
from vidgen.spec import JobSpec, JobStatus

LONGEST_WAIT_SECONDS = 366 * 86400.0


@dataclass(frozen=True, slots=True)
class StartBy:
    """When a job must have started, seconds from now or a moment; with neither it may wait for ever."""

    within_seconds: float | None = None
    moment: datetime | None = None

    def deadline(self, now: float) -> float | None:
        """Seconds since 1970 by the database's clock. Raises SpecError for a moment that is over or too far."""
        if self.within_seconds is not None:
            return now + self.within_seconds
        if self.moment is None:
            return None
        deadline = self.moment.timestamp()
        if deadline <= now:
            raise SpecError(f"start_by={self.moment.isoformat()}: this moment is over", field="start_by")
        if deadline > now + LONGEST_WAIT_SECONDS:
            latest = as_datetime(now + LONGEST_WAIT_SECONDS).isoformat(timespec="seconds")
            raise SpecError(
                f"start_by={self.moment.isoformat()}: a job waits for at most 366 days; latest is {latest}",
                field="start_by",
            )
        return deadline


ANY_TIME = StartBy()


@dataclass(frozen=True, slots=True)
class ResolvedSpec:
    """A checked spec with what is stored beside it."""

    spec: JobSpec
    model_revision: str
    memory_need: Mapping[str, Any] | None = None
    source_job_id: str | None = None


class Waiting(OwnedJobs):
    """Changes of queued jobs; each is one transaction, so a job that is being claimed is either old or new."""

    def change(
        self,
        job_id: str,
        *,
        edited: ResolvedSpec | None = None,
        priority: int | None = None,
        start_by: StartBy | None = None,
        version: int | None = None,
    ) -> Job:
        """Change what is given. `version` is the one that the editor has seen.

        Raises VidgenError: not_found, job_not_queued, version_mismatch, media_not_found when what it is to be made from
        was deleted meanwhile; SpecError for a deadline that is over.
        """
        with writing(self._engine) as session:
            if edited is not None:
                # what the job is to be made from from now on is there, or cleaning sees that it is awaited
                lock(session, CREATE_LOCK)
            row, now = self._queued(session, job_id), database_now(session)
            if version is not None and version != row.version:
                raise VidgenError(
                    f"{job_id} is at version {row.version}, not {version}: read it again", code="version_mismatch"
                )
            if edited is not None:
                _check(session, row, edited)
                _store(row, edited)
            if priority is not None:
                row.priority = priority
            if start_by is not None:
                row.start_deadline = start_by.deadline(now)
            return _changed(session, row, now)

    def move(self, job_id: str, before: str | None = None) -> Job:
        """Put a queued job before another one of its tenant, taking on that one's priority; without one, at the front.

        Only the tenant's own order changes: its jobs keep the places they have, and take them in another order.
        Raises VidgenError: not_found, job_not_queued.
        """
        with writing(self._engine) as session:
            # claims wait, and two moves cannot wait for each other's rows
            lock(session, CLAIM_LOCK)
            row = self._queued(session, job_id)
            line = _line(session, row)
            target = line[0] if before is None else self._queued(session, before)
            if target.tenant != row.tenant:
                raise VidgenError(f"{before}: no such job of {job_id}'s tenant", code="not_found")
            if target.id != row.id:
                row.priority = target.priority
                equals = [other for other in line if other.priority == row.priority and other.id != row.id]
                at = next(n for n, other in enumerate(equals) if other.id == target.id)
                _take_places([*equals[:at], row, *equals[at:]])
            return _changed(session, row, database_now(session))

    def _queued(self, session: Session, job_id: str) -> JobRow:
        row = self._existing(session, job_id)
        if row.status != JobStatus.QUEUED:
            raise VidgenError(f"{job_id} is {row.status}: only queued jobs can be changed", code="job_not_queued")
        return row


def _check(session: Session, row: JobRow, edited: ResolvedSpec) -> None:
    # the job that it was made from before may be gone: that is no fault of this edit
    kept = edited.source_job_id == row.source_job_id
    check_sources(session.connection(), edited.spec, None if kept else edited.source_job_id)


def _store(row: JobRow, edited: ResolvedSpec) -> None:
    fields = edited.spec.model_dump(mode="json")
    row.task, row.model, row.model_revision = edited.spec.task, edited.spec.model, edited.model_revision
    row.spec, row.spec_hash, row.source_job_id = fields, spec_hash(fields), edited.source_job_id
    row.memory_need = None if edited.memory_need is None else dict(edited.memory_need)


def _changed(session: Session, row: JobRow, now: float) -> Job:
    row.version += 1
    return record(session, row, "job.changed", now)


def _line(session: Session, row: JobRow) -> Sequence[JobRow]:
    """Its tenant's queued jobs, itself among them, locked: none can leave or change its priority meanwhile."""
    line = select(JobRow).where(col(JobRow.status) == JobStatus.QUEUED, col(JobRow.tenant) == row.tenant)
    rows = session.scalars(line.order_by(*LINE).with_for_update()).all()
    # a row that was waited for is as it is now, but stands where it stood
    return sorted(rows, key=lambda it: (-it.priority, it.place, it.id))


def _take_places(rows: Sequence[JobRow]) -> None:
    """Give the rows' own places to them in this order; equal ones are pulled apart by the smallest step there is."""
    last = -math.inf
    for row, place in zip(rows, sorted(row.place for row in rows), strict=True):
        last = row.place = place if place > last else math.nextafter(last, math.inf)
