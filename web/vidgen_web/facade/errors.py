"""Failures in the form that the `openai` SDK reads: `{"error": {"message", "type", "param", "code"}}`.

The codes are the native ones. Their statuses differ in two ways, because the SDK reads meaning out of them: 422 is 400,
as clients catch BadRequestError; and 409, which it tries again, is left to conflicts that pass by themselves.
"""

from flask import Response
from pydantic import Field

from vidgen.spec.base import SpecModel
from vidgen_web.operations import ErrorForm
from vidgen_web.problems import STATUS_BY_CODE, ProblemError

CONTENT_TYPE = "application/json"
AS_BAD_REQUEST = (409, 422)
# what a field of a spec is called in this API
PARAMS = {
    "num_frames": "seconds",
    "width": "size",
    "height": "size",
    "image": "input_reference",
    "image.frame": "video",
    "video.frame": "video",
}


class Failure(SpecModel):
    """What went wrong: `param` names the field at fault, where it is one's fault."""

    message: str
    type: str = Field(description="A coarse class, such as `invalid_request_error` or `server_error`.")
    param: str | None
    code: str = Field(description="Stable; one of the codes of the native API.")


class ErrorAnswer(SpecModel):
    """The body of every answer from 400 upwards."""

    error: Failure


def status_of(code: str) -> int:
    """The HTTP status of a code in this API, when nothing says that trying again may help."""
    status = STATUS_BY_CODE[code]
    return 400 if status in AS_BAD_REQUEST else status


def answer(problem: ProblemError) -> Response:
    """The HTTP answer of a problem."""
    # one that says when to come back is a passing one, and the SDK then does
    passing = "Retry-After" in problem.headers
    status = STATUS_BY_CODE[problem.code] if passing else status_of(problem.code)
    param = problem.errors[0].field if problem.errors else None
    failure = Failure(
        message=problem.message, type=_type(status), param=PARAMS.get(param or "", param), code=problem.code
    )
    response = Response(ErrorAnswer(error=failure).model_dump_json(), status, content_type=CONTENT_TYPE)
    response.headers.update(problem.headers)
    response.headers["Cache-Control"] = "no-store"
    return response


def _type(status: int) -> str:
    named = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
    return named.get(status, "server_error" if status >= 500 else "invalid_request_error")


ERROR_FORM = ErrorForm(CONTENT_TYPE, ErrorAnswer, status_of)
