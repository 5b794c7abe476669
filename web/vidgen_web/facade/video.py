"""The video object: a job in the words of this API. Knows no HTTP."""

from datetime import datetime
from math import floor
from typing import Literal

from pydantic import Field

from vidgen.jobs.views import Artifact, Job
from vidgen.spec import ExtendVideo, JobStatus
from vidgen.spec.base import SpecModel
from vidgen_models.registry import ModelRegistry
from vidgen_web.facade.measures import seconds_of

Status = Literal["queued", "in_progress", "completed", "failed"]

STATUSES: dict[JobStatus, Status] = {
    JobStatus.QUEUED: "queued",
    JobStatus.RUNNING: "in_progress",
    JobStatus.SUCCEEDED: "completed",
    JobStatus.FAILED: "failed",
    # this API has no word for it, and clients that wait know four only
    JobStatus.CANCELLED: "failed",
}


class VideoError(SpecModel):
    """Why a video failed. `code` is `cancelled` when somebody asked for its end."""

    code: str
    message: str


class Video(SpecModel):
    """A job as the video that it makes. Times are in seconds since 1970."""

    id: str
    object: Literal["video"] = "video"
    model: str
    status: Status
    progress: int = Field(ge=0, le=100, description="Percent of the work that is done; 0 while queued.")
    prompt: str
    seconds: str = Field(description="Of the whole clip, also where it makes another one longer.")
    size: str = Field(description="Width and height, as in 64x64.")
    created_at: int
    completed_at: int | None = Field(description="When it ended, well or not.")
    expires_at: int | None = Field(description="When it and its files will be removed.")
    remixed_from_video_id: str | None = Field(description="The video it was made from; may be gone.")
    error: VideoError | None


class VideoList(SpecModel):
    object: Literal["list"] = "list"
    data: tuple[Video, ...]
    first_id: str | None
    last_id: str | None = Field(description="Give it as `after` to go on.")
    has_more: bool


class VideoDeleted(SpecModel):
    id: str
    object: Literal["video.deleted"] = "video.deleted"
    deleted: Literal[True] = True


def video_of(job: Job, models: ModelRegistry, kept: range | None = None) -> Video:
    """The job as a video. Length and size are those of the finished file, before that those asked for.

    An extension is as long as the whole: what stays of the clip (`kept`, where that is known) and what is added.
    """
    clip = artifact_of(job, "video")
    manifest = models.manifests.get(job.model)
    made = clip or job.spec
    frames = (made.num_frames or 0) + (0 if clip or kept is None else len(kept))
    # what goes on from a clip that is gone has no first frame
    added_only = not clip and kept is None and isinstance(job.spec, ExtendVideo)
    rule = manifest.rules.frames if manifest and not added_only else None
    return Video(
        id=job.id,
        model=job.model,
        status=STATUSES[job.status],
        progress=100 if job.status is JobStatus.SUCCEEDED else floor(job.progress * 100),
        prompt=job.spec.prompt,
        seconds=seconds_of(frames, made.fps or 1, rule),
        size=f"{made.width}x{made.height}",
        created_at=int(job.created_at.timestamp()),
        completed_at=_seconds(job.finished_at),
        expires_at=_seconds(job.expires_at if job.status.is_terminal else None),
        remixed_from_video_id=job.source_job_id,
        error=_error(job),
    )


def artifact_of(job: Job, kind: str) -> Artifact | None:
    return next((artifact for artifact in job.artifacts if artifact.kind == kind), None)


def _error(job: Job) -> VideoError | None:
    if job.status is JobStatus.CANCELLED:
        return VideoError(code="cancelled", message="the job was cancelled")
    return VideoError(code=job.error.code, message=job.error.message) if job.error else None


def _seconds(moment: datetime | None) -> int | None:
    return None if moment is None else int(moment.timestamp())
