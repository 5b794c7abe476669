"""/videos: create, list, read, download, remix, edit, extend, delete."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Literal

from flask import Blueprint, Response, jsonify, request
from pydantic import Field
from werkzeug.datastructures import FileStorage

from vidgen.jobs.views import Job
from vidgen.spec import ExtendVideo, JobStatus
from vidgen.spec.base import SpecModel
from vidgen_web import submission
from vidgen_web.api.artifacts import stored_file
from vidgen_web.facade import bodies, forms, translation
from vidgen_web.facade.errors import ERROR_FORM
from vidgen_web.facade.video import Video, VideoDeleted, VideoList, artifact_of, video_of
from vidgen_web.media_check import kept_of
from vidgen_web.operations import Media, Parameter, operation
from vidgen_web.problems import ProblemError
from vidgen_web.removal import WAIT_SECONDS, remove
from vidgen_web.requests import query_model
from vidgen_web.services import services

blueprint = Blueprint("videos", __name__, url_prefix="/videos")
video_operation = partial(operation, "Videos", errors=ERROR_FORM)

CREATE_PROBLEMS = (
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
    "url_unreachable",
    "idempotency_mismatch",
    "queue_full",
    "quota_exceeded",
    "storage_quota",
    "storage_full",
    "too_many_uploads",
    "too_many_calls",
)
IDEMPOTENCY = Parameter(
    "Idempotency-Key", "Sending the same request again with the same key makes nothing new.", "header"
)
VARY_PROBLEMS = (*CREATE_PROBLEMS, "not_found", "video_not_completed")
ARTIFACTS = {"video": "video", "thumbnail": "poster", "spritesheet": "sprite_sheet"}
POLL_MILLISECONDS, LONGEST_POLL_MILLISECONDS = 500, 5000


class ListQuery(SpecModel):
    """The query of GET /videos."""

    after: str | None = None
    limit: int = Field(default=20, ge=1, le=100)
    order: Literal["asc", "desc"] = "desc"


class ContentQuery(SpecModel):
    """The query of GET /videos/{id}/content."""

    variant: Literal["video", "thumbnail", "spritesheet"] = "video"


@blueprint.post("")
@video_operation(
    "Create a video",
    description="JSON or a form. `input_reference` is a file of the form, or an object with `image_url` or `file_id`.",
    body=bodies.VideoCreate,
    form=forms.CREATE,
    scope="jobs:write",
    answers={200: Video},
    parameters=(IDEMPOTENCY,),
    problems=CREATE_PROBLEMS,
)
def create() -> Response:
    body, file = bodies.read(bodies.VideoCreate, "input_reference")
    return _submitted(body, {"input_reference": file}, lambda: translation.creation(services(), body, file))


@blueprint.get("")
@video_operation(
    "List videos",
    scope="jobs:read",
    answers={200: VideoList},
    parameters=(
        Parameter("after", "`last_id` of the page before."),
        Parameter("limit", "1 to 100, 20 when left out.", schema={"type": "integer", "minimum": 1, "maximum": 100}),
        Parameter("order", "`desc`, newest first, when left out.", schema={"enum": ["asc", "desc"]}),
    ),
    problems=("invalid_request", "invalid_cursor", "model_unavailable"),
)
def index() -> Response:
    query, jobs = query_model(ListQuery), services().jobs
    cursor = None if query.after is None else jobs.cursor_after(query.after)
    page = jobs.list(limit=query.limit, cursor=cursor, oldest_first=query.order == "asc")
    found = tuple(map(_described, page.items))
    first, last = (found[0].id, found[-1].id) if found else (None, None)
    return _json(VideoList(data=found, first_id=first, last_id=last, has_more=page.next_cursor is not None))


@blueprint.get("/<video_id>")
@video_operation("Read a video", scope="jobs:read", answers={200: Video}, problems=("not_found", "model_unavailable"))
def show(video_id: str) -> Response:
    job = services().jobs.get(video_id)
    if job is None:
        raise translation.no_video(video_id)
    return _video(job)


@blueprint.delete("/<video_id>")
@video_operation(
    "Delete a video and its files",
    description="One that is not finished is cancelled first, and goes as soon as its worker lets go of it.",
    scope="jobs:write",
    answers={200: VideoDeleted},
    problems=("not_found",),
)
def delete(video_id: str) -> Response:
    # this API has no word for one that is to go later; it goes without being asked for again
    remove(services(), video_id, WAIT_SECONDS)
    return _json(VideoDeleted(id=video_id))


@blueprint.get("/<video_id>/content")
@video_operation(
    "Download a video, its first frame or its sprite sheet",
    scope="jobs:read",
    answers={
        200: Media("*/*", "The file, in its own content type."),
        206: Media("*/*", "The part of the file that Range named."),
    },
    parameters=(
        Parameter("variant", "`video` when left out.", schema={"enum": list(ARTIFACTS)}),
        Parameter("Range", "Part of the file.", "header"),
    ),
    problems=("invalid_request", "not_found", "video_not_completed", "range_not_satisfiable"),
)
def content(video_id: str) -> Response:
    query = query_model(ContentQuery)
    job, _ = translation.completed(services(), video_id)
    artifact = artifact_of(job, ARTIFACTS[query.variant])
    if artifact is None:
        raise ProblemError("not_found", f"{video_id} was made without a {query.variant}")
    return stored_file(artifact, services().jobs.artifact_key(artifact.id))


@blueprint.post("/<video_id>/remix")
@video_operation(
    "Restyle a video with its own seed",
    body=bodies.VideoRemix,
    form=forms.REMIX,
    scope="jobs:write",
    answers={200: Video},
    parameters=(IDEMPOTENCY,),
    problems=VARY_PROBLEMS,
)
def remix(video_id: str) -> Response:
    body, _ = bodies.read(bodies.VideoRemix)
    return _submitted(body, {}, lambda: translation.remix(services(), video_id, body))


@blueprint.post("/edits")
@video_operation(
    "Restyle a video or a clip from outside",
    description="`video` is a file of the form, or an object with the `id` of a completed video.",
    body=bodies.VideoEdit,
    form=forms.EDIT,
    scope="jobs:write",
    answers={200: Video},
    parameters=(IDEMPOTENCY,),
    problems=VARY_PROBLEMS,
)
def edit() -> Response:
    body, file = bodies.read(bodies.VideoEdit, "video")
    return _submitted(body, {"video": file}, lambda: translation.edit(services(), body, file))


@blueprint.post("/extensions")
@video_operation(
    "Make a video longer",
    description="The result is the video with what comes after it. "
    "`video` is a file, or an object with the `id` of a completed video.",
    body=bodies.VideoExtend,
    form=forms.EXTEND,
    scope="jobs:write",
    answers={200: Video},
    parameters=(IDEMPOTENCY,),
    problems=VARY_PROBLEMS,
)
def extend() -> Response:
    body, file = bodies.read(bodies.VideoExtend, "video")
    return _submitted(body, {"video": file}, lambda: translation.extension(services(), body, file))


def _submitted(
    body: bodies.Prompted, files: Mapping[str, FileStorage | None], translate: Callable[[], submission.Request]
) -> Response:
    """The new video, or the first one of an Idempotency-Key; only a new one is translated: that looks and fetches."""
    given = {name: file for name, file in files.items() if file is not None}
    # the path tells routes and sources apart
    sent = submission.sent_hash(f"video {request.path}", body.model_dump(mode="json"), given)
    created = submission.replayed(services(), request.headers.get("Idempotency-Key"), sent)
    return _video((created or submission.submit(services(), replace(translate(), sent=sent))).job)


def _described(job: Job) -> Video:
    kept = None
    if isinstance(job.spec, ExtendVideo) and artifact_of(job, "video") is None:
        # what it goes on from stays until it has ended; afterwards it may be gone
        kept = kept_of(services(), job.spec)
    return video_of(job, services().models, kept)


def _video(job: Job) -> Response:
    response = _json(_described(job))
    if job.status in (JobStatus.QUEUED, JobStatus.RUNNING):
        # one deep in the queue need not be asked for as often
        wait = min(POLL_MILLISECONDS * (job.queue_position or 1), LONGEST_POLL_MILLISECONDS)
        response.headers["openai-poll-after-ms"] = str(wait)
    return response


def _json(answer: SpecModel) -> Response:
    return jsonify(answer.model_dump(mode="json"))
