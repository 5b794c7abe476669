"""The state of the whole service in numbers, from one look at the database: what metrics are made of."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Engine, case, func, select
from sqlalchemy.orm import Mapped, Session
from sqlmodel import col

from vidgen.jobs.database.clock import database_now
from vidgen.jobs.database.session import reading
from vidgen.jobs.database.tables import ArtifactRow, JobEventRow, JobRow, OutboxRow, UploadRow, WorkerRow
from vidgen.jobs.state.tallies import Tally, tallies
from vidgen.spec import JobStatus

# a worker says every few seconds that it is there
SEEN_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Figures:
    """`oldest_due_seconds`: how long the longest waiting job that may start has waited, in nobody's hands."""

    jobs: Mapping[str, int]
    oldest_due_seconds: float
    webhooks: Mapping[str, int]
    workers: Mapping[str, int]
    stored_bytes: Mapping[str, int]
    tallies: Mapping[str, Mapping[str, Tally]]


def figures(engine: Engine) -> Figures:
    """One consistent look, of every tenant's rows."""
    with reading(engine) as session:
        now = database_now(session)
        return Figures(
            jobs=dict.fromkeys(map(str, JobStatus), 0) | _counted(session, col(JobRow.status)),
            oldest_due_seconds=_oldest_due(session, now),
            webhooks={"pending": 0, "failed": 0} | _counted(session, col(OutboxRow.status)),
            workers=_workers(session, now),
            stored_bytes={
                "artifacts": session.scalar(select(func.sum(col(ArtifactRow.size)))) or 0,
                "uploads": session.scalar(select(func.sum(col(UploadRow.size)))) or 0,
            },
            tallies=tallies(session),
        )


def _counted(session: Session, column: Mapped[str]) -> dict[str, int]:
    found = session.execute(select(column, func.count()).group_by(column))
    return {str(value): int(number) for value, number in found}


def _oldest_due(session: Session, now: float) -> float:
    """Since when a job waits: it keeps `run_after` when a worker gives it back, but has not waited meanwhile."""
    back = select(func.max(col(JobEventRow.created_at))).where(
        col(JobEventRow.job_id) == col(JobRow.id), col(JobEventRow.kind) == "job.requeued"
    )
    returned = func.coalesce(back.scalar_subquery(), 0.0)
    since = case((returned > col(JobRow.run_after), returned), else_=col(JobRow.run_after))
    oldest = session.scalar(select(func.min(since)).where(col(JobRow.status) == JobStatus.QUEUED))
    return 0.0 if oldest is None else max(0.0, now - oldest)


def _workers(session: Session, now: float) -> dict[str, int]:
    seen = session.scalars(select(col(WorkerRow.job_id)).where(col(WorkerRow.seen_at) >= now - SEEN_SECONDS)).all()
    busy = sum(job_id is not None for job_id in seen)
    return {"busy": busy, "idle": len(seen) - busy}
