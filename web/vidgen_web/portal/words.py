"""Numbers and states as people read them."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from vidgen.jobs.views import Job
from vidgen.spec import JobStatus, Stage

STAGES = {
    Stage.LOADING: "Loading the model",
    Stage.ENCODING: "Reading the prompt",
    Stage.DENOISING: "Painting",
    Stage.DECODING: "Developing the frames",
    Stage.PUBLISHING: "Saving",
}
LABELS = {
    "prompt": "Prompt",
    "negative_prompt": "Negative prompt",
    "num_frames": "Length",
    "num_inference_steps": "Steps",
    "guidance_scale": "Guidance",
    "strength": "Strength",
    "seed": "Seed",
    "fps": "Frames a second",
    "width": "Width",
    "height": "Height",
    "image": "First picture",
    "video": "Clip to restyle",
    "model": "Model",
}
PREFIX = re.compile(r"^[\w.]+=[^:]*: ")
MISSING = "Field required"
TASKS = {"text-to-video": "Text", "image-to-video": "Image", "video-to-video": "Restyle"}


def duration(seconds: float | None) -> str:
    """0.4 → under a second; 75 → 1 min 15 s."""
    if seconds is None:
        return ""
    if seconds < 1:
        return "under a second"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest and minutes < 10 else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min"


def about(seconds: float) -> str:
    """About 12 s, or: Under a second."""
    return f"About {duration(seconds)}" if seconds >= 1 else "Under a second"


def clip_length(num_frames: int, fps: float) -> str:
    """17, 8 → 17 frames · 2.1 s."""
    return f"{num_frames} frames · {num_frames / fps:.1f} s"


def size(amount: int) -> str:
    """Bytes, in the unit that fits."""
    value = float(amount)
    for unit in ("bytes", "kB", "MB"):
        if value < 1000:
            return f"{value:.0f} {unit}"
        value /= 1000
    return f"{value:.1f} GB"


def state(job: Job) -> str:
    """One line that says where a job is."""
    if job.status is JobStatus.QUEUED:
        return (
            "Next in line"
            if job.queue_position == 1
            else f"Number {job.queue_position} in line"
            if job.queue_position
            else "In line"
        )
    if job.status is JobStatus.RUNNING:
        if job.cancel_requested:
            return "Stopping"
        stage = STAGES[job.stage] if job.stage else "Starting"
        doing = f"Step {job.step} of {job.total_steps}" if job.total_steps else stage
        left = f" · {duration(job.eta_seconds)} left" if job.eta_seconds else ""
        return doing + left
    if job.status is JobStatus.FAILED:
        return job.error.message if job.error else "Failed"
    return {JobStatus.SUCCEEDED: "Done", JobStatus.CANCELLED: "Cancelled"}[job.status]


def complaint(field: str, message: str) -> str:
    """A field's error as the portal says it: with the control's label instead of the API's name and value."""
    label = LABELS.get(field.partition(".")[0])
    if label is None:
        return message
    return f"{label}: " + ("choose one first" if message == MISSING else PREFIX.sub("", message))


def moment(when: datetime | None) -> str:
    return when.astimezone(UTC).strftime("%-d %B %Y, %H:%M UTC") if when else ""


def title(job: Job) -> str:
    """What to call a job: its prompt, or what it does."""
    prompt = " ".join(job.spec.prompt.split())
    return prompt or f"{TASKS[job.task]} without a prompt"


FILTERS: dict[str, Callable[..., Any]] = {
    "duration": duration,
    "size": size,
    "state": state,
    "moment": moment,
    "job_title": title,
    "task_name": TASKS.__getitem__,
}
