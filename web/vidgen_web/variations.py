"""Jobs made from finished ones: one chunk made again, or the clip made longer. Nothing is made twice."""

import secrets
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from vidgen.errors import SpecError
from vidgen.jobs.views import Artifact, FinishedChunk, Job
from vidgen.spec import Unsampled
from vidgen.spec.base import SpecModel
from vidgen.spec.long import LONGEST_SECONDS, PROMPT_LIMIT
from vidgen_web.problems import ProblemError
from vidgen_web.prompt_at import prompt_at
from vidgen_web.services import Services

SEED_BITS = 32
# of the source's settings, those that a longer clip must share with it, and those that suit it
TAKEN_OVER = (
    "model",
    "negative_prompt",
    "width",
    "height",
    "fps",
    "num_inference_steps",
    "guidance_scale",
)

Prompt = Field(default=None, max_length=PROMPT_LIMIT)
Seed = Field(default=None, ge=0, lt=2**63, description="Empty: drawn at random and recorded.")


class Retake(SpecModel):
    """Which chunk is to be made again, and how."""

    chunk: int = Field(ge=0, description="Which chunk, from 0.")
    seed: int | None = Seed
    prompt: str | None = Field(default=None, max_length=PROMPT_LIMIT, description="Empty: the prompt it had.")
    then: Literal["keep", "remake"] = Field(
        default="keep", description="Whether the chunks after it stay as they were, or branch off from this one."
    )


class Extension(SpecModel):
    """How a clip is to be made longer. Give `num_frames` or `seconds` for the new part."""

    direction: Literal["forward", "backward"] = "forward"
    from_frame: int | None = Field(default=None, description="The frame next to the new part; empty: the outermost.")
    from_seconds: float | None = Field(default=None, ge=0, le=LONGEST_SECONDS)
    num_frames: int | None = Field(default=None, description="4k forward, 4k+1 backward.")
    seconds: float | None = Field(default=None, gt=0, le=LONGEST_SECONDS)
    prompt: str | None = Field(
        default=None, max_length=PROMPT_LIMIT, description="Empty: the one that frame was made with."
    )
    seed: int | None = Seed


def retaken(services: Services, job_id: str, asked: Retake) -> dict[str, Any]:
    """The spec of a job with another take of one chunk.

    Raises ProblemError not_found, job_not_finished, not_chunked; SpecError for a chunk that the clip does not have.
    """
    job = _ended(services, job_id)
    if job.spec.long is None:
        raise ProblemError("not_chunked", f"{job_id}: the clip was made in one piece and has no chunks")
    made = [place_of(chunk) for chunk in services.jobs.chunks(job_id) if is_chunk(chunk)]
    if asked.chunk > max(made, default=-1):
        last = max(made, default=-1)
        has = f"chunks 0 to {last} were made; nearest is {last}" if made else "no chunk was made"
        nearest = (last,) if made else ()
        raise SpecError(f"chunk={asked.chunk}: {has}", field="chunk", nearest=nearest)
    seed = secrets.randbits(SEED_BITS) if asked.seed is None else asked.seed
    fields = job.spec.model_dump(mode="json")
    fields["long"]["takes"].append({**asked.model_dump(), "seed": seed})
    if job.stop_requested:
        fields["long"]["last_chunk"] = max(made)
    return fields


def extended(services: Services, job_id: str, asked: Extension) -> dict[str, Any]:
    """The spec of a job that makes the clip longer. Raises ProblemError not_found, job_not_finished."""
    job = _ended(services, job_id)
    clip = next((artifact for artifact in job.artifacts if artifact.kind == "video"), None)
    if clip is None:
        raise ProblemError("job_not_finished", f"{job_id} is {job.status.value} and has no clip")
    given = asked.model_dump(exclude_none=True)
    kept = {} if isinstance(job.spec, Unsampled) else job.spec.model_dump(mode="json", include=set(TAKEN_OVER))
    return {"task": "extend-video", **kept, "prompt": _prompt(services, job, clip, asked), **_media(clip), **given}


def place_of(chunk: FinishedChunk) -> int:
    """Which chunk of the clip it is; those of earlier versions say it by their number alone."""
    return int(chunk.about.get("chunk", chunk.n))


def is_chunk(chunk: FinishedChunk) -> bool:
    """Whether it is a part of the clip that was made: none of the clip it goes on from, no state between two steps."""
    return not {"history", "checkpoint"} & set(chunk.about)


def _ended(services: Services, job_id: str) -> Job:
    job = services.jobs.get(job_id)
    if job is None:
        raise ProblemError("not_found", f"there is no job {job_id}")
    if not job.status.is_terminal:
        raise ProblemError("job_not_finished", f"{job_id} is {job.status.value}: wait for its end")
    return job


def _media(clip: Artifact) -> Mapping[str, Any]:
    return {"video": {"artifact_id": clip.id}}


def _prompt(services: Services, job: Job, clip: Artifact, asked: Extension) -> str:
    """The prompt under which the frame that is gone on from was made."""
    return prompt_at(services, job.spec, _moment(clip, asked))


def _moment(clip: Artifact, asked: Extension) -> float:
    """When that frame is shown, in seconds; what the clip does not have is refused with the spec."""
    if asked.from_seconds is not None:
        return asked.from_seconds
    frames = clip.num_frames or 1
    outermost = frames - 1 if asked.direction == "forward" else 0
    frame = outermost if asked.from_frame is None else asked.from_frame
    return frame % frames / (clip.fps or 1)
