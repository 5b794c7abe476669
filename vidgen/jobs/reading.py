"""Rows to views. The only place that knows how a job is put together from its tables."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Connection, Row, bindparam, select
from sqlalchemy.orm import Session

from vidgen.jobs.database.clock import as_datetime, as_optional_datetime
from vidgen.jobs.database.tables import JOBS, ArtifactRow, JobRow, table_of
from vidgen.jobs.line.places import place_alone, places_in_line
from vidgen.jobs.tenants.tenancy import visible_to
from vidgen.jobs.views import Artifact, Job, JobError, JobProblem
from vidgen.spec import JOB_SPEC, JobSpec, JobStatus, Stage, TextToVideo

PROGRESS_DIGITS = 4  # finer than any bar is drawn


_ARTIFACTS = table_of(ArtifactRow)
# asked with every answer: made once, as making them takes longer than running them
_JOB = select(JOBS, place_alone().label("place_alone")).where(JOBS.c.id == bindparam("id"), visible_to(JOBS.c.tenant))
_FILES = (
    select(_ARTIFACTS)
    .where(_ARTIFACTS.c.job_id.in_(bindparam("jobs", expanding=True)))
    .order_by(_ARTIFACTS.c.kind.desc())
)
_SHOWN = tuple(name for name in Artifact.model_fields if name != "created_at")


def artifact_view(row: ArtifactRow | Row[Any]) -> Artifact:
    shown = {name: getattr(row, name) for name in _SHOWN}
    return Artifact(**shown, created_at=as_datetime(row.created_at))


def stored_job(connection: Connection, job_id: str, tenant: str | None = None) -> Row[Any] | None:
    """The job's row with its `place_alone`, if this tenant may see it; None: any tenant."""
    return connection.execute(_JOB, {"id": job_id, "tenant": tenant}).first()


def job_view(connection: Connection, row: Row[Any]) -> Job:
    """The view of a row that `stored_job` found."""
    place = row.place_alone
    if place is None and row.status == JobStatus.QUEUED:
        place = places_in_line(connection, (row,)).get(row.id)
    return _job_view(row, _artifacts(connection, (row,)).get(row.id, ()), place)


def job_now(connection: Connection, job_id: str) -> Job:
    """The view of a job that exists."""
    row = stored_job(connection, job_id)
    assert row is not None, job_id
    return job_view(connection, row)


def job_views(session: Session, rows: Sequence[JobRow]) -> tuple[Job, ...]:
    """Views of the rows, in their order, with artifacts and places in the queue."""
    artifacts = _artifacts(session, rows)
    places = places_in_line(session, [row for row in rows if row.status == JobStatus.QUEUED])
    return tuple(_job_view(row, artifacts.get(row.id, ()), places.get(row.id)) for row in rows)


def _artifacts(session: Session | Connection, rows: Sequence[JobRow | Row[Any]]) -> Mapping[str, tuple[Artifact, ...]]:
    """By job, those of jobs that succeeded."""
    found: dict[str, tuple[Artifact, ...]] = {}
    finished = [row.id for row in rows if row.status == JobStatus.SUCCEEDED]
    for row in session.execute(_FILES, {"jobs": finished}) if finished else ():
        found[row.job_id] = (*found.get(row.job_id, ()), artifact_view(row))
    return found


def _job_view(row: JobRow | Row[Any], artifacts: tuple[Artifact, ...], place: int | None) -> Job:
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
        chunk=row.chunk,
        total_chunks=row.total_chunks,
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
