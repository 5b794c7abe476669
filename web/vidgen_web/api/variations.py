"""/jobs/{id}/chunks, /retake, /extend: what a clip is made of, and clips made from it."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, jsonify, request
from pydantic import Field

from vidgen.jobs.views import FinishedChunk
from vidgen.spec.base import SpecModel
from vidgen_web import submission, variations
from vidgen_web.answers import JobAnswer
from vidgen_web.api import schemas
from vidgen_web.api.jobs import SUBMIT_PROBLEMS, accepted, no_job
from vidgen_web.caller import caller
from vidgen_web.operations import Media, Parameter, operation
from vidgen_web.problems import ProblemError
from vidgen_web.requests import checked, json_object
from vidgen_web.services import services
from vidgen_web.terms import take_terms

blueprint = Blueprint("variations", __name__, url_prefix="/jobs")

# what is longer is no number of a chunk, and no name that a file can have
MOST_DIGITS = 9
IDEMPOTENCY = Parameter(
    "Idempotency-Key", "Sending the same request again with the same key queues nothing new.", "header"
)


class RetakeRequest(variations.Retake, schemas.WithTerms):
    """Which chunk is to be made again, how, and the terms of the new job."""


class ExtendRequest(variations.Extension, schemas.WithTerms):
    """How the clip is to be made longer, and the terms of the new job."""


class ChunkAnswer(SpecModel):
    """A piece of a clip as it lies in the store."""

    n: int = Field(description="Its number in the store; retakes come after the clip's own chunks.")
    chunk: int = Field(description="Which chunk of the clip it is, from 0.")
    take: int | None = Field(description="Which of the spec's `long.takes` it is; null: none.")
    state: str = Field(description="stored: later jobs can use it; gone: it was removed to free room.")
    attempt: str | None = Field(description="first, colour match, wider blend or reroll; null: no joint was judged.")
    seed: int
    prompt: str | None
    first_frame: int | None = Field(description="Of the clip: the first frame that it added.")
    last_frame: int | None
    sha256: str = Field(description="Of the file that holds its latents.")
    size: int = Field(description="Bytes.")
    preview_url: str | None = Field(description="Its last frame as a JPEG.")


class ChunkList(SpecModel):
    items: tuple[ChunkAnswer, ...]


@blueprint.get("/<job_id>/chunks")
@operation(
    "Jobs",
    "List the chunks of a clip",
    description="In the order in which they are made. A clip that is still made lists those that are there.",
    scope="jobs:read",
    answers={200: ChunkList},
    problems=("not_found",),
)
def chunks(job_id: str) -> Response:
    if services().jobs.get(job_id) is None:
        raise no_job(job_id)
    found = filter(variations.is_chunk, services().jobs.chunks(job_id))
    return jsonify(ChunkList(items=tuple(_answer(job_id, chunk) for chunk in found)).model_dump(mode="json"))


@blueprint.get("/<job_id>/chunks/<int:n>/preview")
@operation(
    "Jobs",
    "The last frame of a chunk",
    scope="jobs:read",
    answers={200: Media("image/jpeg", "The chunk's last frame.")},
    problems=("not_found",),
)
def preview(job_id: str, n: int) -> Response:
    if services().jobs.get(job_id) is None:
        raise no_job(job_id)
    try:
        picture = services().store.chunk_picture(job_id, n).read_bytes() if n < 10**MOST_DIGITS else b""
    except FileNotFoundError:
        picture = b""
    if not picture:
        raise ProblemError("not_found", f"{job_id} has no picture of that chunk")
    response = Response(picture, content_type="image/jpeg")
    response.add_etag()
    response.make_conditional(request)
    return response


@blueprint.post("/<job_id>/retake")
@operation(
    "Jobs",
    "Make one chunk of a finished clip again",
    description="Queues a new job. Chunks of the finished one that fit are used again, as long as they are stored.",
    body=RetakeRequest,
    scope="jobs:write",
    answers={202: JobAnswer},
    parameters=(IDEMPOTENCY,),
    problems=(*SUBMIT_PROBLEMS, "not_found", "job_not_finished", "not_chunked"),
)
def retake(job_id: str) -> Response:
    return _queued(
        job_id, "retake", lambda asked: variations.retaken(services(), job_id, checked(variations.Retake, asked))
    )


@blueprint.post("/<job_id>/extend")
@operation(
    "Jobs",
    "Make a finished clip longer",
    description="Queues a new job that makes what comes after the clip, or came before it; the result holds both.",
    body=ExtendRequest,
    scope="jobs:write",
    answers={202: JobAnswer},
    parameters=(IDEMPOTENCY,),
    problems=(*SUBMIT_PROBLEMS, "not_found", "job_not_finished"),
)
def extend(job_id: str) -> Response:
    return _queued(
        job_id, "extend", lambda asked: variations.extended(services(), job_id, checked(variations.Extension, asked))
    )


def _queued(job_id: str, verb: str, spec_fields: Callable[[dict[str, Any]], dict[str, Any]]) -> Response:
    """Queue a job whose spec `spec_fields` makes from the body; a replay is answered before anything is looked at."""
    asked = json_object()
    callback_url, terms = asked.pop("callback_url", None), take_terms(asked)
    key, sent = request.headers.get("Idempotency-Key"), (callback_url, terms.priority, terms.start)
    body_hash = submission.sent_hash(f"{verb} {job_id}", asked, {}, sent)
    before = submission.replayed(services(), key, body_hash)
    if before is not None:
        return accepted(before)
    wanted = submission.Request(
        fields=spec_fields(asked),
        callback_url=schemas.checked_callback(callback_url),
        idempotency_key=key,
        priority=terms.priority,
        start_by=terms.start,
        sent=body_hash,
        source_job_id=job_id,
    )
    return accepted(submission.submit(services(), wanted))


def _answer(job_id: str, chunk: FinishedChunk) -> ChunkAnswer:
    found, about = services().store, chunk.about
    stored = (found.chunk_folder(job_id) / chunk.key).is_file()
    shown = found.chunk_picture(job_id, chunk.n).is_file()
    return ChunkAnswer(
        n=chunk.n,
        chunk=variations.place_of(chunk),
        take=about.get("take"),
        state="stored" if stored else "gone",
        attempt=about.get("attempt"),
        seed=chunk.seed,
        prompt=about.get("prompt"),
        first_frame=about.get("first_frame"),
        last_frame=about.get("last_frame"),
        sha256=chunk.sha256,
        size=chunk.size,
        preview_url=f"{caller().api}/jobs/{job_id}/chunks/{chunk.n}/preview" if shown else None,
    )
