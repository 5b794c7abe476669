"""/jobs: queue, list, read, cancel, retry, delete, forecast, preview."""

import time
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, jsonify, request
from pydantic import Field

from vidgen.errors import ModelError
from vidgen.jobs.views import Created, Job
from vidgen.spec import JobStatus, Unsampled
from vidgen.spec.base import SpecModel
from vidgen_models.words import Remark
from vidgen_web import removal, submission
from vidgen_web.answers import AcceptedJob, JobAnswer, JobList, job_answer
from vidgen_web.api import schemas
from vidgen_web.api.line import with_version
from vidgen_web.caller import caller
from vidgen_web.forecast import Forecast, forecast
from vidgen_web.media_check import check_media
from vidgen_web.operations import Media, Parameter, operation
from vidgen_web.problems import ProblemError
from vidgen_web.remarks import remarks_on
from vidgen_web.requests import (
    FORM_TYPES,
    JSON_TYPE,
    form_files,
    form_texts,
    json_object,
    parse_object,
    query_model,
    unsupported,
)
from vidgen_web.services import services
from vidgen_web.terms import Terms, take_terms

blueprint = Blueprint("jobs", __name__, url_prefix="/jobs")

SUBMIT_PROBLEMS = (
    "bad_request",
    "invalid_json",
    "body_too_large",
    "unsupported_content_type",
    "invalid_request",
    "invalid_spec",
    "unsupported_task",
    "unknown_model",
    "model_unavailable",
    "media_not_found",
    "media_kind",
    "invalid_media",
    "url_refused",
    "idempotency_mismatch",
    "does_not_fit",
    "queue_full",
    "quota_exceeded",
    "storage_quota",
    "storage_full",
    "too_many_uploads",
    "too_many_calls",
)
# beside the field `spec`, plain fields may hold these
TERMS = frozenset({"callback_url", *Terms.model_fields})
REFERENCE_PARTS = frozenset({"upload_id", "artifact_id", "frame"})


class ListQuery(SpecModel):
    """The query of GET /jobs."""

    limit: int = Field(default=20, ge=1, le=100)
    cursor: str | None = None
    status: JobStatus | None = None


@blueprint.post("")
@operation(
    "Jobs",
    "Queue a job",
    description="The spec's fields as a JSON object, or a form: plain fields or one `spec` field holding JSON, plus "
    "the files `image` or `video`, which become uploads. `task` may be left out: it follows from the media given.",
    body=schemas.JobRequest,
    form=schemas.JOB_FORM,
    scope="jobs:write",
    answers={202: AcceptedJob},
    parameters=(
        Parameter("Idempotency-Key", "Sending the same request again with the same key queues nothing new.", "header"),
    ),
    problems=SUBMIT_PROBLEMS,
)
def create() -> Response:
    created = submission.submit(services(), _request())
    return accepted(created)


@blueprint.get("")
@operation(
    "Jobs",
    "List jobs, newest first",
    scope="jobs:read",
    answers={200: JobList},
    parameters=(
        Parameter(
            "limit", "1 to 100 jobs, 20 when left out.", schema={"type": "integer", "minimum": 1, "maximum": 100}
        ),
        Parameter("cursor", "`next_cursor` of the page before."),
        Parameter("status", "Only jobs in this state.", schema={"enum": [s.value for s in JobStatus]}),
    ),
    problems=("invalid_request", "invalid_cursor"),
)
def index() -> Response:
    query = query_model(ListQuery)
    page = services().jobs.list(limit=query.limit, cursor=query.cursor, status=query.status)
    return jsonify(items=[job_answer(job) for job in page.items], next_cursor=page.next_cursor)


@blueprint.get("/<job_id>")
@operation("Jobs", "Read a job", scope="jobs:read", answers={200: JobAnswer}, problems=("not_found",))
def show(job_id: str) -> Response:
    job = services().jobs.get(job_id)
    if job is None:
        raise no_job(job_id)
    return with_version(job_answer(job))


@blueprint.post("/<job_id>/cancel")
@operation(
    "Jobs",
    "Cancel a job",
    description="A queued job is cancelled at once, a running one at its next denoising step (watch `status`). "
    "Cancelling a finished job changes nothing.",
    scope="jobs:write",
    answers={200: JobAnswer},
    problems=("not_found",),
)
def cancel(job_id: str) -> Response:
    return jsonify(job_answer(services().jobs.cancel(job_id)))


@blueprint.post("/<job_id>/retry")
@operation(
    "Jobs",
    "Queue a failed or cancelled job again",
    scope="jobs:write",
    answers={202: JobAnswer},
    problems=("not_found", "job_not_retryable", "queue_full", "quota_exceeded", "storage_quota"),
)
def retry(job_id: str) -> Response:
    return _located(job_answer(submission.again(services(), job_id)), 202)


@blueprint.delete("/<job_id>")
@operation(
    "Jobs",
    "Delete a job and its files",
    description="One that has not ended is cancelled, and the answer waits until its worker has let go of the device "
    "and it is gone: 204. Where that takes longer than the client waits, 202: it goes without being asked again, and "
    "reading it is a 404 then.",
    scope="jobs:write",
    answers={202: JobAnswer, 204: None},
    parameters=(
        Parameter(
            "Prefer", "`wait=N`: 0 to 30 seconds, 15 when left out; `respond-async`: do not wait (RFC 7240).", "header"
        ),
    ),
    problems=("not_found",),
)
def delete(job_id: str) -> Response:
    seconds = removal.preferred_wait(request.headers.get("Prefer"))
    left = removal.remove(services(), job_id, seconds)
    return Response(status=204) if left is None else _located(job_answer(left), 202)


@blueprint.get("/<job_id>/preview")
@operation(
    "Jobs",
    "The latest picture of a running job",
    scope="jobs:read",
    answers={200: Media("image/jpeg", "The denoised estimate of the newest step that was drawn.")},
    parameters=(Parameter("version", "Any number; it only keeps browsers from showing an old picture."),),
    problems=("not_found",),
)
def preview(job_id: str) -> Response:
    job = services().jobs.get(job_id)
    if job is None:
        raise no_job(job_id)
    try:
        picture = services().store.read_preview(job_id, job.attempts) if job.preview_version else b""
    except FileNotFoundError:
        picture = b""
    if not picture:
        raise ProblemError("not_found", f"{job_id} has no preview yet, or no longer")
    response = Response(picture, content_type="image/jpeg")
    response.set_etag(f"{job_id}-{job.attempts}-{job.preview_version}")
    response.headers["Cache-Control"] = "no-cache"
    response.make_conditional(request)
    return response


@blueprint.post("/forecast")
@operation(
    "Jobs",
    "Forecast a job without queueing it",
    description="Takes what POST /jobs takes as JSON, and refuses what that would refuse of it; quotas and the "
    "address of a callback are looked at when the job is queued.",
    body=schemas.JobRequest,
    scope="jobs:read",
    answers={200: Forecast},
    problems=(
        "invalid_json",
        "body_too_large",
        "unsupported_content_type",
        "invalid_request",
        "invalid_spec",
        "unsupported_task",
        "unknown_model",
        "model_unavailable",
        "media_not_found",
        "media_kind",
        "does_not_fit",
    ),
)
def foresee() -> Response:
    fields = json_object()
    schemas.checked_callback(fields.pop("callback_url", None))
    take_terms(fields).start.deadline(time.time())
    spec, manifest = submission.resolved(services(), submission.parse(fields))
    check_media(services(), spec)
    submission.admitted(services(), spec, manifest)
    return jsonify(forecast(services(), spec, manifest).model_dump(mode="json"))


def accepted(created: Created) -> Response:
    """202 with the job and where to find it."""
    warnings = [remark.model_dump(mode="json") for remark in _remarks(created.job)]
    response = _located({**job_answer(created.job), "warnings": warnings}, 202)
    if created.replayed:
        response.headers["Idempotent-Replayed"] = "true"
    return response


def _remarks(job: Job) -> tuple[Remark, ...]:
    if isinstance(job.spec, Unsampled):
        return ()  # no model reads words of it
    try:
        return remarks_on(job.spec, services().models.get(job.model))
    except ModelError:
        return ()  # it was accepted before, when its model was there


def no_job(job_id: str) -> ProblemError:
    return ProblemError("not_found", f"there is no job {job_id}")


def form_fields(form: Mapping[str, str]) -> dict[str, Any]:
    """Plain form fields as spec fields: empty ones are left out, `image.artifact_id` becomes a reference."""
    fields: dict[str, Any] = {}
    for name, value in form.items():
        if value == "":
            continue
        head, _, part = name.partition(".")
        if head in submission.MEDIA_FIELDS and part in REFERENCE_PARTS:
            fields.setdefault(head, {})[part] = value
        else:
            fields[name] = value
    return fields


def _request() -> submission.Request:
    if request.mimetype in FORM_TYPES:
        form = form_texts()
        fields = parse_object(form["spec"]) if "spec" in form else form_fields(form)
        if "spec" in form:
            fields |= {name: value for name, value in form.items() if name in TERMS}
        files = {name: file for name, file in form_files().items() if file.filename}
        if unknown := set(files) - set(submission.MEDIA_FIELDS):
            raise ProblemError(
                "invalid_request", f"files are named image, last_image or video, not {', '.join(sorted(unknown))}"
            )
    elif request.mimetype == JSON_TYPE:
        fields, files = json_object(), {}
    else:
        raise unsupported(JSON_TYPE, *FORM_TYPES)
    callback_url, terms = fields.pop("callback_url", None), take_terms(fields)
    return submission.Request(
        fields=fields,
        files=files,
        callback_url=schemas.checked_callback(callback_url),
        idempotency_key=request.headers.get("Idempotency-Key"),
        priority=terms.priority,
        start_by=terms.start,
    )


def _located(job: dict[str, Any], status: int) -> Response:
    response = jsonify(job)
    response.status_code = status
    response.headers["Location"] = f"{caller().api}/jobs/{job['id']}"
    return response
