"""What jobs are made from: that it is there when they are queued or edited, and stays until they have ended.

Both sides look while they hold CREATE_LOCK, so that nothing goes between one's look and the other's.
"""

from sqlalchemy import ColumnElement, Connection, Text, bindparam, cast, or_, select
from sqlalchemy.orm import Session
from sqlmodel import col

from vidgen.errors import VidgenError
from vidgen.jobs.database.tables import JOBS, ArtifactRow, JobRow, UploadRow, table_of
from vidgen.spec import JobSpec, JobStatus, MediaRef, media_refs

UNFINISHED = col(JobRow.status).in_((JobStatus.QUEUED, JobStatus.RUNNING))
_SPEC = cast(col(JobRow.spec), Text)
_UPLOADS, _ARTIFACTS = table_of(UploadRow), table_of(ArtifactRow)
# made once, as making them takes longer than running them
_SOURCE = select(JOBS.c.id).where(JOBS.c.id == bindparam("id"))
_UPLOAD = select(_UPLOADS.c.id).where(_UPLOADS.c.id == bindparam("id"))
_ARTIFACT = select(_ARTIFACTS.c.id).where(_ARTIFACTS.c.id == bindparam("id"))


def is_awaited(session: Session, job_id: str) -> bool:
    """Whether a job that has not ended is to be made from this one, as this transaction sees it.

    Specs are searched as text: one that only speaks of a file counts too, which costs a delay, where taking every
    waiting spec apart would cost each deletion seconds.
    """
    files = session.scalars(select(col(ArtifactRow.id)).where(col(ArtifactRow.job_id) == job_id)).all()
    return _is_needed(session, or_(col(JobRow.source_job_id) == job_id, *map(_mentions, files)))


def is_upload_awaited(session: Session, upload_id: str) -> bool:
    """`is_awaited` for an upload."""
    return _is_needed(session, _mentions(upload_id))


def is_lora_awaited(session: Session, lora_id: str) -> bool:
    """Whether a job that has not ended is made with this LoRA or embedding, or trains one of its name."""
    return _is_needed(session, _mentions(f'"{lora_id}"'))


def check_sources(connection: Connection, spec: JobSpec, source_job_id: str | None) -> None:
    """Raise VidgenError media_not_found for the first thing that the job is made from and that is gone."""
    if source_job_id is not None and connection.execute(_SOURCE, {"id": source_job_id}).first() is None:
        raise _gone(f"{source_job_id}: the job that this one is made from was deleted")
    for ref in media_refs(spec):
        if not _is_there(connection, ref):
            raise _gone(f"{ref.key}: this upload or artifact was deleted meanwhile")


def _is_there(connection: Connection, ref: MediaRef) -> bool:
    return connection.execute(_UPLOAD if ref.upload_id else _ARTIFACT, {"id": ref.key}).first() is not None


def _mentions(media_id: str) -> ColumnElement[bool]:
    return _SPEC.contains(media_id, autoescape=True)


def _is_needed(session: Session, needs: ColumnElement[bool]) -> bool:
    return session.scalar(select(col(JobRow.id)).where(UNFINISHED, needs).limit(1)) is not None


def _gone(message: str) -> VidgenError:
    return VidgenError(message, code="media_not_found")
