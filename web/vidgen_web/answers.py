"""The views as the API gives them: the repository's views plus links, which begin where the caller finds the API."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import Field, TypeAdapter

from vidgen.jobs.views import ApiKey, Artifact, Delivery, DisabledReason, Job, Upload
from vidgen.spec import ModelRules
from vidgen.spec.base import SpecModel
from vidgen_models.registry import Manifest, MemoryRow
from vidgen_models.words import Remark
from vidgen_web.caller import caller

Vocabulary = Mapping[str, tuple[str, ...] | Mapping[str, tuple[str, ...]]]
_VOCABULARY: TypeAdapter[Vocabulary] = TypeAdapter(Vocabulary)


class ArtifactAnswer(Artifact):
    """A file that a job made; `url` is the path to fetch it from."""

    url: str


class JobAnswer(Job):
    """A job and where its files and its preview are."""

    artifacts: tuple[ArtifactAnswer, ...]
    preview_url: str | None = Field(description="A JPEG of the run so far; its number grows with every new picture.")


class AcceptedJob(JobAnswer):
    """A job that was just queued, and what its sender may like to know."""

    warnings: tuple[Remark, ...]


class JobList(SpecModel):
    """Jobs, newest first; `next_cursor` fetches the following ones."""

    items: tuple[JobAnswer, ...]
    next_cursor: str | None


class ModelAnswer(SpecModel):
    """An installed model: what it is, what it takes, what it knows, what it costs."""

    id: str
    name: str
    family: str
    revision: str
    licence: str
    description: str
    rules: ModelRules
    frame_counts: tuple[int, ...] = Field(description="Every valid num_frames.")
    vocabulary: Vocabulary = Field(
        description="Words this model knows, by kind (`synonyms` by word); empty where it takes any."
    )
    memory: tuple[MemoryRow, ...]
    seconds_per_step: float


class ModelList(SpecModel):
    items: tuple[ModelAnswer, ...]


class EndpointAnswer(SpecModel):
    """A registered webhook receiver."""

    id: str
    url: str
    description: str
    events: tuple[str, ...]
    enabled: bool
    failing_since: datetime | None = Field(description="Nothing but failures since then.")
    disabled_reason: DisabledReason | None = Field(
        description="gone: it answered 410; failing: for days; asked: by a request."
    )
    disabled_at: datetime | None
    created_at: datetime


class EndpointSecret(EndpointAnswer):
    """A receiver with its signing secret, which is shown this once."""

    secret: str


class EndpointList(SpecModel):
    """Receivers, oldest first; `next_cursor` fetches the following ones."""

    items: tuple[EndpointAnswer, ...]
    next_cursor: str | None


class KeyList(SpecModel):
    """API keys, newest first; `next_cursor` fetches the following ones."""

    items: tuple[ApiKey, ...]
    next_cursor: str | None


class UploadList(SpecModel):
    """Uploads, newest first; `next_cursor` fetches the following ones."""

    items: tuple[Upload, ...]
    next_cursor: str | None


class DeliveryList(SpecModel):
    """Deliveries, newest first; `next_cursor` fetches the following ones."""

    items: tuple[Delivery, ...]
    next_cursor: str | None


class Recovered(SpecModel):
    """How many failed deliveries are on their way again."""

    deliveries: int


def job_answer(job: Job, api: str | None = None) -> dict[str, Any]:
    """The job as the API gives it (a JSON object of the JobAnswer schema)."""
    return linked(job.model_dump(mode="json"), api)


def linked(job: Mapping[str, Any], api: str | None = None) -> dict[str, Any]:
    """A stored job object with links added. Outside of a request, `api` says what they begin with."""
    api = api or caller().api
    version = job["preview_version"]
    return {
        **job,
        "artifacts": [{**artifact, "url": f"{api}/artifacts/{artifact['id']}"} for artifact in job["artifacts"]],
        "preview_url": f"{api}/jobs/{job['id']}/preview?version={version}" if version else None,
    }


def artifact_url(artifact_id: str) -> str:
    return f"{caller().api}/artifacts/{artifact_id}"


def model_answer(manifest: Manifest) -> ModelAnswer:
    frames = manifest.rules.any_frames
    return ModelAnswer(
        id=manifest.id,
        name=manifest.name,
        family=manifest.family,
        revision=manifest.revision,
        licence=manifest.licence,
        description=manifest.description,
        rules=manifest.rules,
        frame_counts=tuple(range(frames.min, frames.max + 1, frames.step)),
        vocabulary=_VOCABULARY.validate_python(manifest.vocabulary()),
        memory=manifest.memory,
        seconds_per_step=manifest.seconds_per_step,
    )
