"""What stands in the composer: defaults, the settings of an earlier job, or a form that was refused."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from vidgen.jobs.views import Artifact, Job
from vidgen.spec import MediaRef
from vidgen_models.registry import Manifest
from vidgen_web.answers import artifact_url
from vidgen_web.portal import words
from vidgen_web.problems import ProblemError
from vidgen_web.services import Services

TASK_BY_MODE = {"text": "text-to-video", "image": "image-to-video", "video": "video-to-video"}
REFERENCE_PARTS = ("upload_id", "artifact_id", "frame")
MEDIA_BY_TASK = {"image-to-video": "image", "video-to-video": "video"}


@dataclass(frozen=True, slots=True)
class Slot:
    """What lies in a media slot: a reference, its name, and a picture of it where there is one."""

    upload_id: str = ""
    artifact_id: str = ""
    frame: str = ""
    label: str = ""
    picture: str = ""
    clip: str = ""

    @property
    def is_filled(self) -> bool:
        return bool(self.upload_id or self.artifact_id)


@dataclass(frozen=True, slots=True)
class Draft:
    """Every control's text. Empty numbers mean: the model's default."""

    task: str
    model: str
    values: Mapping[str, str]
    slots: Mapping[str, Slot] = field(default_factory=lambda: {"image": Slot(), "video": Slot()})
    errors: Mapping[str, str] = field(default_factory=dict)

    def __getitem__(self, name: str) -> str:
        return self.values.get(name, "")


def blank(manifest: Manifest) -> Draft:
    """The model's defaults."""
    rules = manifest.rules
    values = {
        "num_frames": rules.frames.default,
        "num_inference_steps": rules.steps.default,
        "guidance_scale": rules.guidance.default,
        "strength": rules.strength,
        "fps": rules.fps,
        "width": rules.sides.default_width,
        "height": rules.sides.default_height,
    }
    return Draft("text-to-video", manifest.id, {name: f"{value:g}" for name, value in values.items()})


def from_job(services: Services, draft: Draft, job: Job) -> Draft:
    """The settings of an earlier job, its seed and its media included."""
    spec = job.spec.model_dump(
        mode="json", exclude={"task", "model", "image", "last_image", "video", "segments", "long"}, exclude_none=True
    )
    values = {name: f"{value:g}" if isinstance(value, float) else str(value) for name, value in spec.items()}
    slots = {
        name: _slot(services, ref) if isinstance(ref := getattr(job.spec, name, None), MediaRef) else Slot()
        for name in ("image", "video")
    }
    return replace(draft, task=job.task, model=job.model, values={**draft.values, **values}, slots=slots)


def from_query(services: Services, draft: Draft, query: Mapping[str, str]) -> Draft:
    """What a link asks for: `mode`, `source` with `frame` for that mode's slot, and `prompt`."""
    task = TASK_BY_MODE.get(query.get("mode", ""), draft.task)
    values = {**draft.values}
    if "prompt" in query:
        values["prompt"] = query["prompt"]
    slots = {**draft.slots}
    name = MEDIA_BY_TASK.get(task)
    artifact = services.jobs.artifact(query.get("source", "")) if name else None
    if name and artifact is not None:
        frame = query.get("frame", "-1")
        wanted = frame if frame.removeprefix("-").isdecimal() else "-1"
        slots[name] = _artifact_slot(services, artifact, wanted if name == "image" else "")
        if "prompt" not in query and not values.get("prompt"):
            source = services.jobs.get(artifact.job_id)
            values["prompt"] = source.spec.prompt if source else ""
    return replace(draft, task=task, values=values, slots=slots)


def from_form(draft: Draft, form: Mapping[str, str], problem: ProblemError) -> Draft:
    """A refused form as it was sent, with what is wrong beside each field."""
    slots = {
        name: Slot(
            upload_id=form.get(f"{name}.upload_id", ""),
            artifact_id=form.get(f"{name}.artifact_id", ""),
            frame=form.get(f"{name}.frame", ""),
            label="The chosen picture or clip",
        )
        for name in ("image", "video")
    }
    errors = {e.field: words.complaint(e.field, e.message) for e in problem.errors} or {"": problem.message}
    task = form.get("task", draft.task)
    known = task if task in TASK_BY_MODE.values() else draft.task
    return replace(draft, task=known, values={**draft.values, **form}, slots=slots, errors=errors)


def spec_fields(form: Mapping[str, str]) -> dict[str, Any]:
    """The form's fields that belong to its task: what stands in the other modes' controls is left out."""
    task = form.get("task", "text-to-video")
    kept = MEDIA_BY_TASK.get(task)
    others = {f"{name}.{part}" for name in ("image", "video") if name != kept for part in REFERENCE_PARTS}
    if task != "video-to-video":
        others.add("strength")
    return {name: value for name, value in form.items() if name not in others}


def _slot(services: Services, ref: MediaRef) -> Slot:
    frame = "" if ref.frame is None else str(ref.frame)
    if ref.artifact_id:
        artifact = services.jobs.artifact(ref.artifact_id)
        return _artifact_slot(services, artifact, frame) if artifact else Slot()
    upload = services.uploads.get(ref.upload_id or "")
    return Slot(upload_id=upload.id, frame=frame, label=upload.filename) if upload else Slot()


def _artifact_slot(services: Services, artifact: Artifact, frame: str) -> Slot:
    job = services.jobs.get(artifact.job_id)
    poster = next((a for a in job.artifacts if a.kind == "poster"), None) if job else None
    which = {"": "Clip", "-1": "Last frame", "0": "First frame"}.get(frame, f"Frame {frame}")
    prompt = " ".join(job.spec.prompt.split()) if job else ""
    return Slot(
        artifact_id=artifact.id,
        frame=frame,
        label=f"{which} of “{prompt}”" if prompt else which,
        picture=artifact_url(poster.id) if poster else "",
        clip=artifact_url(artifact.id) if artifact.kind == "video" else "",
    )


__all__ = ["Draft", "Slot", "blank", "from_form", "from_job", "from_query", "spec_fields"]
