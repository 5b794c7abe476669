"""Every failure as application/problem+json (RFC 9457) with a stable `code`.

Knows which HTTP status belongs to which code. Does not know routes. The codes are documented in docs/api.md, and a
test fails when one of them is not.
"""

from collections.abc import Mapping

from flask import Response
from pydantic import BaseModel, Field, ValidationError

from vidgen.errors import SpecError, VidgenError
from vidgen.jobs.tenants.quotas import QuotaExceeded
from vidgen.spec.base import SpecModel
from vidgen.spec.wrong_fields import Nearest, wrong_fields

CONTENT_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = 5

TITLES: Mapping[int, str] = {
    400: "Bad request",
    401: "Not signed in",
    403: "Refused",
    404: "Not found",
    405: "Method not allowed",
    409: "Conflict",
    412: "Precondition failed",
    413: "Too large",
    415: "Unsupported content type",
    416: "Range not satisfiable",
    421: "Wrong host",
    422: "Not valid",
    429: "Too many",
    500: "Internal error",
    503: "Not available now",
    507: "Storage full",
}

MEANINGS: Mapping[str, tuple[int, str]] = {
    "bad_request": (400, "A header or the request line is malformed."),
    "invalid_json": (400, "The body is not a JSON object."),
    "invalid_cursor": (400, "The cursor is not the next_cursor of an earlier answer."),
    "unauthorized": (401, "An API key is needed, or the one sent is unknown, revoked or expired."),
    "missing_scope": (403, "The API key is good, but does not allow this; detail names the scope."),
    "cross_origin": (403, "The request comes from a page of another site."),
    "invalid_signature": (403, "The signed URL was changed or has expired."),
    "not_operator": (403, "Only the operator of the service may do this."),
    "metrics_refused": (
        403,
        "Figures of the whole service are told to its operator only: a key of the tenant `local` with `admin`.",
    ),
    "csrf": (403, "A portal form without this browser's token."),
    "not_found": (404, "There is nothing of that id, or no longer."),
    "method_not_allowed": (405, "The path exists, but not with this method."),
    "video_not_completed": (400, "Only a completed video has files, and can be remixed, edited or extended."),
    "job_not_finished": (409, "The job has not ended yet; try again soon."),
    "upload_awaited": (409, "A job that has not ended is made from this upload; it can go once the job has ended."),
    "lora_awaited": (409, "A job that has not ended names this LoRA; it can go once the job has ended."),
    "job_not_queued": (409, "Only queued jobs can be edited and moved; this one runs or has ended."),
    "job_not_running": (409, "Only running jobs can be stopped."),
    "job_not_retryable": (409, "Only failed or cancelled jobs can be queued again."),
    "version_mismatch": (412, "The job was edited meanwhile; read it again."),
    "body_too_large": (413, "JSON may have 64 kB, files what the operator allows (200 MB)."),
    "unsupported_content_type": (415, "The route does not read this Content-Type."),
    "range_not_satisfiable": (416, "The Range lies outside the file."),
    "wrong_host": (421, "The Host header names another service."),
    "invalid_request": (422, "Fields are unknown, missing or of the wrong kind; errors names them."),
    "invalid_spec": (422, "A value breaks a rule of the model; errors names the nearest valid ones."),
    "does_not_fit": (422, "No worker has the memory for it; errors names the nearest length that fits."),
    "not_chunked": (422, "The clip is made in one piece: it cannot be stopped halfway, and has no chunk to retake."),
    "unsupported_task": (422, "The model does not offer this task."),
    "unknown_model": (422, "The model is not installed."),
    "model_unavailable": (422, "The model's files are incomplete or unsafe."),
    "media_not_found": (422, "The upload or artifact that the spec refers to does not exist."),
    "media_kind": (422, "The spec needs a clip where it refers to a picture, or refers to neither."),
    "invalid_media": (422, "The file is not a picture or clip that can be read, or breaks a limit."),
    "no_recipe": (422, "The file does not say how it was made."),
    "url_refused": (422, "The service may not call this URL."),
    "url_unreachable": (422, "No file came from this URL."),
    "invalid_scopes": (422, "A scope of API keys that does not exist."),
    "invalid_events": (422, "A webhook event that does not exist."),
    "idempotency_mismatch": (422, "The Idempotency-Key was used with another body."),
    "storage_quota": (403, "The tenant's files take as much as they may; delete some first."),
    "quota_exceeded": (429, "The tenant has as many jobs waiting, or queued today, as it may; see Retry-After."),
    "rate_limited": (429, "Too many requests with the keys of this tenant; see Retry-After."),
    "queue_full": (429, "The queue is at its limit; Retry-After says when to try again."),
    "internal_error": (500, "The service failed; its log says more."),
    "database_unavailable": (
        503,
        "The database does not answer or is busy; see Retry-After. A write may have been made: repeat it with the same "
        "Idempotency-Key.",
    ),
    "too_many_streams": (503, "The bounded number of event streams is open; poll, or try again later."),
    "too_many_calls": (503, "Too many requests wait for other hosts already; Retry-After says when to try again."),
    "too_many_uploads": (503, "Other files are being read; Retry-After says when to try again."),
    "not_ready": (503, "The database is away or not migrated, or the disk is full; detail says which."),
    "storage_full": (507, "The disk is full; nothing was queued."),
}
STATUS_BY_CODE: Mapping[str, int] = {code: status for code, (status, _) in MEANINGS.items()}


class FieldError(SpecModel):
    """One field that breaks a rule; `nearest` holds the valid values that lie nearest, where there are such."""

    field: str
    message: str
    nearest: Nearest | None = None


class Problem(SpecModel):
    """The body of every answer from 400 upwards."""

    type: str = Field(description="A relative link to the code's explanation.")
    title: str
    status: int
    code: str = Field(description="Stable; programs branch on this and not on the texts.")
    detail: str
    errors: tuple[FieldError, ...] = ()


class ProblemError(VidgenError):
    """Ends a request with the problem of this `code`; `headers` are added to the answer."""

    def __init__(
        self,
        code: str,
        message: str,
        *,
        errors: tuple[FieldError, ...] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message, code=code)
        self.errors = errors
        self.headers = dict(headers or {})


def problem_of(error: VidgenError) -> ProblemError:
    """The same failure as a ProblemError: a SpecError keeps its field, an unknown code becomes internal_error."""
    if isinstance(error, ProblemError):
        return error
    code = error.code if error.code in STATUS_BY_CODE else "internal_error"
    errors: tuple[FieldError, ...] = ()
    if isinstance(error, SpecError):
        errors = (FieldError(field=error.field, message=error.message, nearest=error.nearest or None),)
    wait = error.retry_after if isinstance(error, QuotaExceeded) else RETRY_AFTER_SECONDS
    headers = {"Retry-After": str(wait)} if STATUS_BY_CODE[code] in (429, 503) else {}
    return ProblemError(code, error.message, errors=errors, headers=headers)


def database_unavailable() -> ProblemError:
    """The problem of a request that the database did not answer."""
    message = f"the database does not answer or is busy; try again in {RETRY_AFTER_SECONDS} s"
    return ProblemError("database_unavailable", message, headers={"Retry-After": str(RETRY_AFTER_SECONDS)})


def problem_of_validation(error: ValidationError, model: type[BaseModel] | None = None) -> ProblemError:
    """A pydantic failure as a 422 that names every field; `model` is what was asked for, None a job."""
    found = wrong_fields(error, model)
    fields = tuple(FieldError(field=it.field, message=it.message, nearest=it.nearest or None) for it in found)
    detail = "; ".join(f"{f.field}: {f.message}" if f.field else f.message for f in fields)
    return ProblemError("invalid_request", detail, errors=fields)


def answer(error: ProblemError) -> Response:
    """The HTTP answer of a problem."""
    status = STATUS_BY_CODE[error.code]
    body = Problem(
        type=f"/docs#{error.code}",
        title=TITLES[status],
        status=status,
        code=error.code,
        detail=error.message,
        errors=error.errors,
    )
    response = Response(body.model_dump_json(exclude_none=True), status, content_type=CONTENT_TYPE)
    response.headers.update(error.headers)
    response.headers["Cache-Control"] = "no-store"
    return response
