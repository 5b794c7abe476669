"""What leaves the repository: frozen models that the API, the portal, events and webhooks share. No table rows."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, Literal, TypeVar

from pydantic import Field

from vidgen.spec import NORMAL_PRIORITY, JobSpec, JobStatus, MemoryTier, Stage
from vidgen.spec.base import SpecModel

Item = TypeVar("Item")

MediaKind = Literal["image", "video"]
ArtifactKind = Literal["video", "poster", "sprite_sheet", "receipt", "seams", "seam_plot", "conditioning", "lora"]
DeliveryStatus = Literal["pending", "delivered", "failed"]
DisabledReason = Literal["gone", "failing", "asked"]
Dialect = Literal["job", "video"]


class Artifact(SpecModel):
    """A finished file of a job; its bytes lie in the store and are reached through a signed URL."""

    id: str
    job_id: str
    kind: ArtifactKind
    filename: str
    content_type: str
    size: int = Field(description="Bytes.")
    sha256: str
    width: int | None = None
    height: int | None = None
    num_frames: int | None = None
    fps: float | None = None
    created_at: datetime


class Upload(SpecModel):
    """A normalised picture or clip that specs may refer to. `filename` is the client's name for it, never a path."""

    id: str
    filename: str
    kind: MediaKind
    content_type: str
    size: int = Field(description="Bytes.")
    sha256: str
    width: int
    height: int
    num_frames: int | None = None
    fps: float | None = None
    created_at: datetime


class JobError(SpecModel):
    code: str
    message: str
    retryable: bool = Field(description="Whether the same request may succeed later.")


class JobProblem(SpecModel):
    """What keeps a queued job from being taken."""

    code: str = Field(description="queue_paused, no_workers, no_worker_fits or not_claimed.")
    message: str


class Job(SpecModel):
    """A job as its row says it is. Times are aware and in UTC."""

    id: str
    task: str
    status: JobStatus
    stage: Stage | None = None
    progress: float = Field(ge=0, le=1, description="Share of the work that is done; 0 while queued.")
    step: int = 0
    total_steps: int = 0
    chunk: int = Field(default=0, description="The chunk that the steps belong to, from 1; 0: a clip in one piece.")
    total_chunks: int = 0
    queue_position: int | None = Field(default=None, description="1 is the next to run; only while queued.")
    eta_seconds: float | None = None
    attempts: int
    spec: JobSpec
    model: str
    model_revision: str
    artifacts: tuple[Artifact, ...] = ()
    error: JobError | None = None
    cancel_requested: bool = False
    stop_requested: bool = Field(default=False, description="It ends after the chunk in hand and keeps what there is.")
    delete_requested: bool = Field(default=False, description="It is deleted as soon as its worker has let go.")
    priority: int = Field(default=NORMAL_PRIORITY, description="0 to 9; 9 runs first.")
    start_deadline: datetime | None = Field(default=None, description="Queued longer than this, the job fails.")
    version: int = Field(default=1, description="Grows with every edit.")
    problem: JobProblem | None = Field(default=None, description="Why a queued job is not taken, when that is known.")
    preview_version: int = Field(default=0, description="Grows with every new preview; 0: none yet.")
    callback_url: str | None = None
    source_job_id: str | None = Field(default=None, description="The job whose clip it was made from; may be gone.")
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    expires_at: datetime


class Page(SpecModel, Generic[Item]):
    """One page of a list, newest first."""

    items: tuple[Item, ...]
    next_cursor: str | None = None


class Event(SpecModel):
    """Something that happened to a job. Ids only grow, over all jobs, so that a reader can ask for what is new."""

    id: int
    job_id: str
    kind: str
    data: dict[str, Any] = Field(description="The job at that moment, as JSON.")
    created_at: datetime


class Endpoint(SpecModel):
    """A registered webhook receiver. `secret` is filled only in the answers to create and rotate_secret."""

    id: str
    url: str
    description: str
    events: tuple[str, ...]
    enabled: bool
    failing_since: datetime | None = Field(default=None, description="Nothing but failures since then.")
    disabled_reason: DisabledReason | None = Field(
        default=None, description="gone: it answered 410; failing: for days; asked: by a request."
    )
    disabled_at: datetime | None = None
    created_at: datetime
    secret: str | None = None


class DeliveryAttempt(SpecModel):
    """One attempt at a delivery. Without `seconds` it is under way, or the worker died over it."""

    n: int
    started_at: datetime
    seconds: float | None = Field(default=None, description="How long it took.")
    status_code: int | None = None
    error: str | None = None


class Delivery(SpecModel):
    """One event on its way to one receiver. Without `endpoint_id` it goes to a job's own callback_url."""

    id: str
    endpoint_id: str | None
    url: str
    event_id: str
    kind: str
    status: DeliveryStatus
    attempts: int
    next_at: datetime | None = Field(description="When the next attempt is due; null when there is none.")
    last_status_code: int | None = None
    last_error: str | None = None
    log: tuple[DeliveryAttempt, ...] = ()
    created_at: datetime
    delivered_at: datetime | None = None


class ApiKey(SpecModel):
    """A key to the API, without its secret. `id` is the public part of its text."""

    id: str
    tenant: str
    name: str
    scopes: tuple[str, ...]
    created_by: str = Field(description="The key that made it, or where it was made.")
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    last_used_at: datetime | None = Field(default=None, description="To the minute.")


class MadeKey(ApiKey):
    """A key with its text, which is shown this once."""

    key: str


@dataclass(frozen=True, slots=True)
class Capacity:
    """Where a worker computes and what a job may use there; without `memory_mb` it takes every job."""

    device: str = "cpu"
    memory_mb: int | None = None


class Share(SpecModel):
    """How much of a limit is used; no limit: null."""

    used: int
    limit: int | None


class Quota(SpecModel):
    """What a tenant may use and does use."""

    queued: Share
    running: Share
    jobs_today: Share = Field(description="The day begins at 0:00 UTC.")
    storage_bytes: Share


class Worker(SpecModel):
    """A worker process as it last reported."""

    id: str
    host: str
    pid: int
    job_id: str | None
    device: str | None = Field(default=None, description="cpu or cuda.")
    memory_mb: int | None = Field(default=None, description="What a job may use on that device.")
    started_at: datetime
    seen_at: datetime

    @property
    def capacity(self) -> Capacity:
        """Without a word about its device, it is taken to hold anything."""
        return Capacity(self.device or "cpu", self.memory_mb)


class QueueState(SpecModel):
    """Whether jobs are handed out."""

    paused: bool
    reason: str | None = None
    changed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Created:
    """`replayed` is true when the idempotency key had already made this job."""

    job: Job
    replayed: bool


@dataclass(frozen=True, slots=True)
class Claim:
    """The right of one worker to one attempt at a job. (job_id, attempt, owner) is the fence of its every write."""

    job_id: str
    attempt: int
    owner: str
    spec: JobSpec
    max_attempts: int
    tenant: str = "local"
    traceparent: str | None = None
    memory_tier: MemoryTier = MemoryTier.FULL
    source_job_id: str | None = None


@dataclass(frozen=True, slots=True)
class Wishes:
    """What people ask of a running job."""

    cancel: bool = False
    stop: bool = False


@dataclass(frozen=True, slots=True)
class FinishedFile:
    """A file that lies in the store and waits for the terminal transaction to publish it. `key` names it there."""

    kind: ArtifactKind
    key: str
    filename: str
    content_type: str
    size: int
    sha256: str
    width: int | None = None
    height: int | None = None
    num_frames: int | None = None
    fps: float | None = None


@dataclass(frozen=True, slots=True)
class FinishedChunk:
    """A part of a clip that lies safely in the folder of its job's chunks; `key` is its file's name there.

    `about` is what the engine says of it: its place in the clip, its frames, its prompt.
    """

    n: int
    key: str
    sha256: str
    seed: int
    size: int = 0
    about: Mapping[str, Any] = field(default_factory=dict)
