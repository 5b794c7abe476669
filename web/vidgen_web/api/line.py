"""/jobs/{id}, while it waits or runs: edit it, move it in the line, end it early."""

from flask import Blueprint, Response, jsonify, request

from vidgen_web import submission
from vidgen_web.answers import JobAnswer, job_answer
from vidgen_web.operations import Parameter, operation
from vidgen_web.problems import ProblemError
from vidgen_web.requests import json_model
from vidgen_web.services import services
from vidgen_web.terms import JobChange, Move

blueprint = Blueprint("line", __name__, url_prefix="/jobs")

BODY_PROBLEMS = ("invalid_json", "body_too_large", "unsupported_content_type", "invalid_request")
IF_MATCH = Parameter("If-Match", "The ETag of the job as it was read; the edit is refused if it has changed.", "header")


@blueprint.patch("/<job_id>")
@operation(
    "Jobs",
    "Edit a queued job",
    description="Changes the fields given and checks the whole again. A job that runs or has ended is never changed.",
    scope="jobs:write",
    body=JobChange,
    answers={200: JobAnswer},
    parameters=(IF_MATCH,),
    problems=(
        *BODY_PROBLEMS,
        "not_found",
        "job_not_queued",
        "version_mismatch",
        "invalid_spec",
        "unsupported_task",
        "unknown_model",
        "model_unavailable",
        "does_not_fit",
        "media_not_found",
        "media_kind",
    ),
)
def edit(job_id: str) -> Response:
    return with_version(job_answer(submission.edit(services(), job_id, json_model(JobChange), _wanted(job_id))))


@blueprint.post("/<job_id>/move")
@operation(
    "Jobs",
    "Move a queued job in the line",
    description="To the front of your own jobs, or before one of them. Jobs of others keep their places.",
    scope="jobs:write",
    body=Move,
    answers={200: JobAnswer},
    problems=(*BODY_PROBLEMS, "not_found", "job_not_queued"),
)
def move(job_id: str) -> Response:
    asked = json_model(Move, optional=True)
    return with_version(job_answer(services().jobs.move(job_id, before=asked.before)))


@blueprint.post("/<job_id>/stop")
@operation(
    "Jobs",
    "End a running job after the chunk in hand and keep what there is",
    description="The job succeeds with the shorter clip. Only clips that are made in chunks can be stopped.",
    scope="jobs:write",
    answers={200: JobAnswer},
    problems=("not_found", "job_not_running", "not_chunked"),
)
def stop(job_id: str) -> Response:
    return jsonify(job_answer(services().jobs.stop(job_id)))


def with_version(job: dict[str, object]) -> Response:
    """The job with the ETag that If-Match of an edit takes. It says which edit this is, not how far the job is."""
    response = jsonify(job)
    response.set_etag(_tag(job["version"]))
    return response


def _wanted(job_id: str) -> int | None:
    """The version that the client has seen, if it says so. Raises ProblemError version_mismatch."""
    if not request.if_match or request.if_match.star_tag:
        return None
    job = services().jobs.get(job_id)
    if job is not None and not _is_wanted(_tag(job.version)):
        raise ProblemError("version_mismatch", f"{job_id} was changed meanwhile: read it again")
    return None if job is None else job.version


def _is_wanted(tag: str) -> bool:
    # what follows the version tells pollers whether anything at all has changed (conditional.py)
    return any(given.partition(".")[0] == tag for given in request.if_match)


def _tag(version: object) -> str:
    return f"v{version}"
