"""Whether a job that has not ended is still to be made from a finished one."""

from sqlalchemy import Text, cast, or_, select
from sqlalchemy.orm import Session
from sqlmodel import col

from vidgen.jobs.tables import ArtifactRow, JobRow
from vidgen.spec import JobStatus

UNFINISHED = col(JobRow.status).in_((JobStatus.QUEUED, JobStatus.RUNNING))


def is_awaited(session: Session, job_id: str) -> bool:
    """As this transaction sees it. Specs are searched as text: one that only speaks of a file counts too, which costs
    a delay, where taking every waiting spec apart would cost each deletion seconds."""
    files = session.scalars(select(col(ArtifactRow.id)).where(col(ArtifactRow.job_id) == job_id)).all()
    spec = cast(col(JobRow.spec), Text)
    needs = or_(col(JobRow.source_job_id) == job_id, *(spec.contains(file, autoescape=True) for file in files))
    return session.scalar(select(col(JobRow.id)).where(UNFINISHED, needs).limit(1)) is not None
