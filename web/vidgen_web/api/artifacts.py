"""/artifacts: the files that jobs made, with ranges, to their owner or to whoever holds a signed URL."""

import time
from pathlib import Path

from flask import Blueprint, Response, request, send_file

from vidgen.jobs import urls
from vidgen.jobs.views import Artifact, Upload
from vidgen_web.access import signature_will_do
from vidgen_web.operations import Media, Parameter, operation
from vidgen_web.problems import ProblemError
from vidgen_web.security import MEDIA_POLICY
from vidgen_web.services import services

blueprint = Blueprint("artifacts", __name__, url_prefix="/artifacts")


@blueprint.get("/<artifact_id>")
@signature_will_do
@operation(
    "Artifacts",
    "Fetch a file",
    description="HEAD, Range and If-None-Match work. Signed URLs need no key until they expire; webhooks carry them.",
    scope="jobs:read",
    answers={
        200: Media("application/octet-stream", "The file, in its own content type."),
        206: Media("application/octet-stream", "The part of the file that Range named."),
    },
    parameters=(
        Parameter("download", "1: answer as an attachment.", schema={"enum": ["0", "1"]}),
        Parameter("expires", "Unix time until which the signature counts.", schema={"type": "integer"}),
        Parameter("signature", "The signature of id and expiry."),
    ),
    problems=("invalid_signature", "not_found", "range_not_satisfiable"),
)
def show(artifact_id: str) -> Response:
    signed = _check_signature(artifact_id)
    # a signature was given to whoever holds it by the owner, so it opens this one file for any caller
    jobs = services().every_job if signed else services().jobs
    artifact = jobs.artifact(artifact_id)
    if artifact is None:
        raise ProblemError("not_found", f"there is no artifact {artifact_id}")
    response = stored_file(artifact, jobs.artifact_key(artifact.id))
    if signed:
        response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


def _check_signature(artifact_id: str) -> bool:
    expires, signature = request.args.get("expires"), request.args.get("signature")
    if expires is None and signature is None:
        return False
    if not urls.check(services().settings.secret_key, artifact_id, expires, signature, now=time.time()):
        raise ProblemError("invalid_signature", "the signature is wrong or has expired")
    return True


def stored_file(artifact: Artifact, key: str | None) -> Response:
    """The bytes of an artifact. Raises ProblemError not_found when they are gone."""
    try:
        if key is None:
            raise FileNotFoundError
        return media_answer(services().store.path(key), artifact)
    except FileNotFoundError as error:
        raise ProblemError("not_found", f"the file of {artifact.id} is gone") from error


def media_answer(file: Path, facts: Artifact | Upload) -> Response:
    """The bytes of a stored file, whole or in part. Raises FileNotFoundError."""
    response = send_file(
        file,
        mimetype=facts.content_type,
        as_attachment=request.args.get("download") == "1",
        download_name=facts.filename,
        conditional=True,
        etag=facts.sha256,
        last_modified=facts.created_at,
    )
    response.headers["Content-Security-Policy"] = MEDIA_POLICY
    response.headers["Cache-Control"] = "private, max-age=31536000, immutable"
    return response
