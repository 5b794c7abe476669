"""Numbers and states as people read them, in the language of the request."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

from babel.dates import format_date, format_datetime
from babel.numbers import format_decimal

from vidgen.jobs.views import Job
from vidgen.spec import JobStatus, ProcessVideo, Stage, TrainLora
from vidgen_web.portal.composer.labels import label as part_label
from vidgen_web.portal.languages import gettext as _
from vidgen_web.portal.languages import language, mark
from vidgen_web.portal.messages import failure, said
from vidgen_web.problems import FieldError

STAGES = {
    Stage.LOADING: mark("Loading the model"),
    Stage.ENCODING: mark("Reading the prompt"),
    Stage.DENOISING: mark("Painting"),
    Stage.DECODING: mark("Developing the frames"),
    Stage.PROCESSING: mark("Finishing the frames"),
    Stage.PUBLISHING: mark("Saving"),
}
LABELS = {
    "prompt": mark("Prompt"),
    "negative_prompt": mark("Negative prompt"),
    "num_frames": mark("Length"),
    "segments": mark("Parts"),
    "num_inference_steps": mark("Steps"),
    "guidance_scale": mark("Guidance"),
    "strength": mark("Strength"),
    "seed": mark("Seed"),
    "fps": mark("Frames a second"),
    "width": mark("Width"),
    "height": mark("Height"),
    "image": mark("First picture"),
    "last_image": mark("Last picture"),
    "video": mark("Clip"),
    "model": mark("Model"),
    "recipe": mark("File with settings"),
    "vary": mark("Grid"),
    "preset": mark("Preset"),
    "keyframes": mark("Keyframes"),
    "post": mark("Steps after it"),
    "output": mark("File"),
    "advanced": mark("Sampling"),
    "long": mark("Long clip"),
    "number": mark("From frame"),
    "count": mark("Number of clips"),
    "project": mark("Project"),
    "camera": mark("Camera"),
    "trajectories": mark("Paths"),
    "brushes": mark("Brush"),
    "mask": mark("Mask"),
    "outpaint": mark("Room around it"),
    "controls": mark("Control videos"),
    "references": mark("References"),
    "regions": mark("Parts of the frame"),
    "motion_strength": mark("Strength of the motion"),
    "prefix": mark("Clip before it"),
    "suffix": mark("Clip after it"),
}
# fields that have no control to be told beside
HIDDEN = {"version": mark("Version of the clip")}
# controls that stand in rows, by what forms call them
ROWS = {
    r"(?:trajectories|brushes)\.\d+\.points\.(?P<n>\d+)\.x": mark("x of point %(n)s"),
    r"(?:trajectories|brushes)\.\d+\.points\.(?P<n>\d+)\.y": mark("y of point %(n)s"),
    r"(?:trajectories|brushes)\.\d+\.points\.(?P<n>\d+)\.at": mark("moment of point %(n)s"),
    r"(?:trajectories|brushes)\.\d+\.points\.(?P<n>\d+)": mark("Point %(n)s"),
    r"trajectories\.(?P<n>\d+)(?:\.points)?": mark("Path %(n)s"),
    r"brushes\.(?P<n>\d+)(?:\.points|\.media.*)?": mark("Region %(n)s"),
    r"regions\.(?P<n>\d+)\.prompt": mark("Part of the frame %(n)s, prompt"),
    r"regions\.(?P<n>\d+)(?:\.box|\.media.*)?": mark("Part of the frame %(n)s"),
    r"controls\.(?P<n>\d+)(?:\.video.*)?": mark("Control video %(n)s"),
    r"references\.(?P<n>\d+)(?:\.image.*)?": mark("Reference picture %(n)s"),
    r"segments\.(?P<n>\d+)\.prompt": mark("Part %(n)s, prompt"),
    r"segments\.(?P<n>\d+)\.cut": mark("Part %(n)s, cut"),
    r"segments\.(?P<n>\d+)\.seconds": mark("Part %(n)s, seconds"),
    r"segments\.(?P<n>\d+)\.transition_seconds": mark("Part %(n)s, seconds of its transition"),
    r"keyframes\.(?P<n>\d+)": mark("Picture %(n)s"),
    r"keyframes\.(?P<n>\d+)\.seconds": mark("Picture %(n)s, second"),
}
# titles of problem pages (vidgen_web.problems)
TITLES = (
    mark("Bad request"),
    mark("Refused"),
    mark("Not found"),
    mark("Conflict"),
    mark("Too large"),
    mark("Not valid"),
    mark("Too many"),
    mark("Internal error"),
    mark("Not available now"),
    mark("Storage full"),
)
TASKS = {
    "text-to-video": mark("Text"),
    "image-to-video": mark("Image"),
    "video-to-video": mark("Restyle"),
    "extend-video": mark("Extend"),
    "process-video": mark("Finish"),
    "train-lora": mark("Training"),
}
ARTIFACTS = {
    "video": mark("Clip"),
    "poster": mark("Poster"),
    "sprite_sheet": mark("Sprite sheet"),
    "conditioning": mark("Asked and measured"),
    "receipt": mark("Receipt"),
}
# how a day is written out; what is not named here writes it as English does
DAYS = {"de": "d. MMMM y"}
PREFIX = re.compile(r"^[a-z_][\w.]*(?:=[^:]*)?: ")
MISSING = "must be given"


def decimal(value: float, digits: int = 1) -> str:
    """3.14 → 3.1, or 3,1 where people write it so."""
    return format_decimal(round(value, digits), locale=language())


def duration(seconds: float | None) -> str:
    """0.4 → under a second; 75 → 1 min 15 s."""
    if seconds is None:
        return ""
    if seconds < 1:
        return _("under a second")
    whole = round(seconds)
    if whole < 60:
        return _("%(n)s s", n=whole)
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return _("%(m)s min %(s)s s", m=minutes, s=rest) if rest and minutes < 10 else _("%(m)s min", m=minutes)
    hours, minutes = divmod(minutes, 60)
    return _("%(h)s h %(m)s min", h=hours, m=minutes)


def about(seconds: float) -> str:
    """About 12 s, or: Under a second."""
    return _("About %(time)s", time=duration(seconds)) if seconds >= 1 else _("Under a second")


def clip_length(num_frames: int, fps: float) -> str:
    """17, 8 → 17 frames · 2.1 s."""
    return _("%(n)s frames · %(s)s s", n=num_frames, s=decimal(num_frames / fps))


def size(amount: int) -> str:
    """Bytes, in the unit that fits."""
    value = float(amount)
    for unit in ("bytes", "kB", "MB"):
        if value < 1000:
            return f"{value:.0f} {unit}"
        value /= 1000
    return f"{decimal(value)} GB"


def state(job: Job) -> str:
    """One line that says where a job is."""
    if job.status is JobStatus.QUEUED:
        if job.queue_position == 1:
            return _("Next in line")
        return _("Number %(n)s in line", n=job.queue_position) if job.queue_position else _("In line")
    if job.status is JobStatus.RUNNING:
        return _running(job)
    if job.status is JobStatus.FAILED:
        return failure(job)
    return _("Done") if job.status is JobStatus.SUCCEEDED else _("Cancelled")


def _running(job: Job) -> str:
    if job.cancel_requested:
        return _("Stopping")
    if job.stop_requested:
        return _("Stopping after this chunk")
    doing = _(STAGES[job.stage]) if job.stage else _("Starting")
    if job.total_steps:
        doing = _("Step %(n)s of %(all)s", n=job.step, all=job.total_steps)
    if job.total_chunks and job.stage is Stage.DENOISING:
        doing = _("Chunk %(n)s/%(all)s · step %(step)s/%(steps)s", **_counted(job))
    left = job.eta_seconds
    return _("%(doing)s · %(time)s left", doing=doing, time=duration(left)) if left else doing


def _counted(job: Job) -> dict[str, int]:
    return {"n": job.chunk, "all": job.total_chunks, "step": job.step, "steps": job.total_steps}


def complaint(error: FieldError, name: str) -> str:
    """A field's error as the portal says it: with what its control `name` is called, in place of the API's name."""
    called = control_label(name)
    if error.message == MISSING and "." not in name:
        return _("%(label)s: choose one first", label=called)
    numbers = [value for value in error.nearest or () if not isinstance(value, str)]
    # what is said of a model's rule is for programs; of media, the clip's length is meant
    if numbers and PREFIX.match(error.message) and not name.endswith((".video", ".image", ".media")):
        choice = _(" or ").join(decimal(value, 3) for value in numbers)
        return _("%(label)s: the nearest that works is %(choice)s", label=called, choice=choice)
    message = said(PREFIX.sub("", error.message))
    return f"{called}: {message}" if called else message


def control_label(name: str) -> str:
    """What the control is called, with its row's number; "" for what is no control of the composer."""
    head = name.partition(".")[0]
    if head == "lora":
        return f"LoRA {name.split('.')[1]}"
    if head not in LABELS and head not in HIDDEN:
        return ""
    if known := (LABELS | HIDDEN).get(name):
        return _(known)
    for pattern, called in ROWS.items():
        if found := re.fullmatch(pattern, name):
            return _(called, n=int(found["n"]) + 1)
    if moment := re.fullmatch(r"camera\.keys\.(\d+)\.(\w+)", name):
        return f"{_('Moment %(n)s', n=int(moment[1]) + 1)}: {part_label(name)}"
    return part_label(name)


def moment(when: datetime | None) -> str:
    """4 May 2026, 14:05 UTC."""
    return format_datetime(when.astimezone(UTC), f"{_day_pattern()}, HH:mm 'UTC'", locale=language()) if when else ""


def day(when: date) -> str:
    """4 May 2026."""
    return format_date(when, _day_pattern(), locale=language())


def _day_pattern() -> str:
    return DAYS.get(language(), "d MMMM y")


def artifact_name(kind: str) -> str:
    """What a kind of artifact is called."""
    return _(ARTIFACTS[kind]) if kind in ARTIFACTS else kind.replace("_", " ").capitalize()


def title(job: Job) -> str:
    """What to call a job: its prompt, or what it does."""
    if isinstance(job.spec, TrainLora):
        return job.spec.name
    if isinstance(job.spec, ProcessVideo):
        return ", ".join(step.step for step in job.spec.post) or _("Another format")
    spoken = [job.spec.prompt, *(segment.prompt for segment in job.spec.segments)]
    prompt = " ".join(next((text for text in spoken if text.strip()), "").split())
    return prompt or _("%(task)s without a prompt", task=_(TASKS[job.task]))


FILTERS: dict[str, Callable[..., Any]] = {
    "failure": failure,
    "said": said,
    "artifact_name": artifact_name,
    "day": day,
    "decimal": decimal,
    "duration": duration,
    "size": size,
    "state": state,
    "moment": moment,
    "job_title": title,
}
