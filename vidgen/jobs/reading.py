"""Rows to views. The only place that knows how a job is put together from its tables."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlmodel import col

from vidgen.jobs.clock import as_datetime, as_optional_datetime
from vidgen.jobs.places import places_in_line
from vidgen.jobs.tables import ArtifactRow, JobRow
from vidgen.jobs.views import Artifact, Job, JobError, JobProblem
from vidgen.spec import JOB_SPEC, JobSpec, JobStatus, Stage, TextToVideo

PROGRESS_DIGITS = 4  # finer than any bar is drawn


def artifact_view(row: ArtifactRow) -> Artifact:
    return Artifact.model_validate(
        row.model_dump(exclude={"attempt", "key", "created_at"}) | {"created_at": as_datetime(row.created_at)}
    )


def job_views(session: Session, rows: Sequence[JobRow]) -> tuple[Job, ...]:
    """Views of the rows, in their order, with artifacts and places in the queue."""
    artifacts: dict[str, list[Artifact]] = {}
    finished = [row.id for row in rows if row.status == JobStatus.SUCCEEDED]
    if finished:
        statement = (
            select(ArtifactRow).where(col(ArtifactRow.job_id).in_(finished)).order_by(col(ArtifactRow.kind).desc())
        )
        for found in session.scalars(statement):
            artifacts.setdefault(found.job_id, []).append(artifact_view(found))
    places = places_in_line(session, [row for row in rows if row.status == JobStatus.QUEUED])
    return tuple(_job_view(row, tuple(artifacts.get(row.id, ())), places.get(row.id)) for row in rows)


def job_view(session: Session, row: JobRow) -> Job:
    """As job_views, for one row."""
    return job_views(session, (row,))[0]


def _job_view(row: JobRow, artifacts: tuple[Artifact, ...], place: int | None) -> Job:
    error, problem = None, None
    if row.error_code is not None:
        error = JobError(code=row.error_code, message=row.error_message or "", retryable=row.error_retryable)
    if row.problem_code is not None and row.status == JobStatus.QUEUED:
        problem = JobProblem(code=row.problem_code, message=row.problem_message or "")
    return Job(
        id=row.id,
        task=row.task,
        status=JobStatus(row.status),
        stage=None if row.stage is None else Stage(row.stage),
        progress=round(row.progress, PROGRESS_DIGITS),
        step=row.step,
        total_steps=row.total_steps,
        queue_position=place,
        eta_seconds=None if row.eta_seconds is None else round(row.eta_seconds, 1),
        attempts=row.attempt,
        spec=_shown_spec(row.spec),
        model=row.model,
        model_revision=row.model_revision,
        artifacts=artifacts,
        error=error,
        cancel_requested=row.cancel_requested,
        stop_requested=row.stop_requested,
        delete_requested=row.delete_requested,
        priority=row.priority,
        start_deadline=as_optional_datetime(row.start_deadline),
        version=row.version,
        problem=problem,
        preview_version=row.preview_version,
        callback_url=row.callback_url,
        source_job_id=row.source_job_id,
        created_at=as_datetime(row.created_at),
        started_at=as_optional_datetime(row.started_at),
        finished_at=as_optional_datetime(row.finished_at),
        expires_at=as_datetime(row.expires_at),
    )


def _shown_spec(fields: Mapping[str, Any]) -> JobSpec:
    """The stored spec, or what is left of it: a job of another version must be listed, failed and deleted like any."""
    try:
        return JOB_SPEC.validate_python(fields)
    except ValidationError:
        # every field of this task has a default, so each can be tried by itself
        return TextToVideo(**{name: value for name, value in fields.items() if _is_readable(name, value)})


def _is_readable(name: str, value: object) -> bool:
    try:
        TextToVideo.model_validate({name: value})
    except ValidationError:
        return False
    return True
