"""/artifacts: the files that jobs made, with ranges, to their owner or to whoever holds a signed URL."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from flask import Blueprint, Response, jsonify, request, send_file
from pydantic import Field

from vidgen.jobs.files import urls
from vidgen.jobs.views import Artifact, Upload
from vidgen.spec.base import SpecModel
from vidgen_web.access import signature_will_do
from vidgen_web.operations import Media, Parameter, operation
from vidgen_web.problems import ProblemError
from vidgen_web.requests import json_model
from vidgen_web.security import MEDIA_POLICY
from vidgen_web.services import services

LONGEST_LINK_SECONDS = 30 * 86400

blueprint = Blueprint("artifacts", __name__, url_prefix="/artifacts")


@blueprint.get("/<artifact_id>")
@signature_will_do
@operation(
    "Artifacts",
    "Fetch a file",
    description="HEAD, Range and If-None-Match work. Signed URLs need no key until they expire; webhooks carry them.",
    scope="jobs:read",
    answers={
        200: Media("*/*", "The file, in its own content type."),
        206: Media("*/*", "The part of the file that Range named."),
    },
    parameters=(
        Parameter("download", "1: answer as an attachment.", schema={"enum": ["0", "1"]}),
        Parameter("expires", "Unix time until which the signature counts.", schema={"type": "integer"}),
        Parameter("signature", "The signature of the id and of every other field."),
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


class LinkRequest(SpecModel):
    """What a link is to be."""

    expires_in_seconds: int = Field(default=3600, ge=1, le=LONGEST_LINK_SECONDS)
    download: bool = Field(default=False, description="Answer as an attachment.")


class Link(SpecModel):
    """An address that opens one file without a key."""

    url: str
    expires_at: datetime


@blueprint.post("/<artifact_id>/link")
@operation(
    "Artifacts",
    "Make a signed URL that opens this file without a key",
    scope="jobs:read",
    body=LinkRequest,
    answers={200: Link},
    problems=("invalid_json", "body_too_large", "unsupported_content_type", "invalid_request", "not_found"),
)
def link(artifact_id: str) -> Response:
    asked, found = json_model(LinkRequest, optional=True), services()
    if found.jobs.artifact(artifact_id) is None:
        raise ProblemError("not_found", f"there is no artifact {artifact_id}")
    end = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=asked.expires_in_seconds)
    path = urls.sign_artifact_url(found.settings.secret_key, artifact_id, end, download=asked.download)
    response = jsonify(Link(url=found.settings.base_url + path, expires_at=end).model_dump(mode="json"))
    response.headers["Cache-Control"] = "no-store"
    return response


def _check_signature(artifact_id: str) -> bool:
    query = request.args.to_dict(flat=False)
    if "expires" not in query and urls.SIGNATURE not in query:
        return False
    if not urls.check(services().settings.secret_key, artifact_id, query):
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
    if not _asks_for_one_range():
        request.environ.pop("HTTP_RANGE", None)
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


def _asks_for_one_range() -> bool:
    """Other units and what cannot be read are passed over, as RFC 9110 (14.2) asks; several ranges may be, too."""
    return request.range is not None and request.range.units == "bytes" and len(request.range.ranges) == 1
