"""What stands in the composer: defaults, the settings of an earlier job, or a form as it was sent.

A draft holds texts, as controls do. What it asks of the service are `spec_fields`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from vidgen.jobs.views import Job
from vidgen.spec import JobSpec, ProcessVideo, Segment
from vidgen_models.registry import Manifest
from vidgen_web.portal import words
from vidgen_web.portal.slots import EMPTY, Slot, from_artifact, from_reference, named
from vidgen_web.problems import ProblemError
from vidgen_web.services import Services

# a tab of the composer that is no task of its own: a text-to-video job with prompts over time
STORYBOARD = "storyboard"
TAB_BY_MODE = {"text": "text-to-video", "image": "image-to-video", "video": "video-to-video", "story": STORYBOARD}
TABS = tuple(TAB_BY_MODE.values())
SLOTS = ("image", "last_image", "video")
SLOTS_BY_TAB = {"image-to-video": ("image", "last_image"), "video-to-video": ("video",)}
VALUES = (
    "prompt",
    "negative_prompt",
    "num_frames",
    "seconds",
    "width",
    "height",
    "fps",
    "seed",
    "num_inference_steps",
    "guidance_scale",
    "strength",
)
LENGTHS = frozenset({"num_frames", "seconds"})
PARTS_OFFERED = 3
PARTS_LIMIT = 100
PART_FIELD = re.compile(r"segments\.(\d{1,3})\.(prompt|seconds|cut)")


@dataclass(frozen=True, slots=True)
class Part:
    """One row of the storyboard; rows without a prompt and a length are left out."""

    prompt: str = ""
    seconds: str = ""
    cut: bool = False

    @property
    def is_filled(self) -> bool:
        return bool(self.prompt.strip() or self.seconds)


@dataclass(frozen=True, slots=True)
class Draft:
    """Every control's text. Empty numbers mean: the model's default. `editing` is the queued job that is changed."""

    tab: str
    model: str
    values: Mapping[str, str]
    slots: Mapping[str, Slot] = field(default_factory=lambda: dict.fromkeys(SLOTS, EMPTY))
    parts: tuple[Part, ...] = ()
    errors: Mapping[str, str] = field(default_factory=dict)
    editing: Job | None = None

    def __getitem__(self, name: str) -> str:
        return self.values.get(name, "")

    @property
    def stray_errors(self) -> list[str]:
        """What is wrong with something that has no control of its own."""
        return [message for name, message in self.errors.items() if name not in words.LABELS]

    @property
    def rows(self) -> tuple[Part, ...]:
        """The storyboard as it is shown: what there is, or some empty rows to begin with."""
        return self.parts or (Part(),) * PARTS_OFFERED


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
    return from_spec(services, draft, job.spec)


def from_spec(services: Services, draft: Draft, spec: JobSpec) -> Draft:
    """A resolved spec as a draft; media that this service does not hold leave their slots empty.

    A clip that was only processed has no settings to bring.
    """
    if isinstance(spec, ProcessVideo):
        return draft
    told = spec.model_dump(mode="json", include=set(VALUES), exclude_none=True)
    values = {name: f"{value:g}" if isinstance(value, float) else str(value) for name, value in told.items()}
    slots = {name: from_reference(services, getattr(spec, name, None)) for name in SLOTS}
    parts = tuple(_part(segment, spec.fps or 1) for segment in spec.segments)
    tab = STORYBOARD if parts else spec.task
    return replace(draft, tab=tab, model=spec.model, values={**draft.values, **values}, slots=slots, parts=parts)


def recalled(draft: Draft, earlier: Draft, what: str) -> Draft:
    """`draft` with what is asked of an earlier clip's settings: `but-seed`, `seed`, `prompt`, or all of them."""
    if what in ("seed", "prompt"):
        return replace(draft, values={**draft.values, what: earlier[what]})
    return replace(earlier, values={**earlier.values, "seed": ""}) if what == "but-seed" else earlier


def from_query(services: Services, draft: Draft, query: Mapping[str, str]) -> Draft:
    """What a link asks for: `mode`, `prompt`, and `source` for the slot `slot` (or that mode's first).

    Of the source, `frame` counts from 0 (-1 is the last), `number` as people do.
    """
    tab = TAB_BY_MODE.get(query.get("mode", ""), draft.tab)
    values = {**draft.values, **({"prompt": query["prompt"]} if "prompt" in query else {})}
    slots = {**draft.slots}
    offered = SLOTS_BY_TAB.get(tab, ())
    artifact = services.jobs.artifact(query.get("source", "")) if offered else None
    if artifact is not None:
        name = query.get("slot", "") if query.get("slot") in offered else offered[0]
        slots[name] = from_artifact(services, artifact, "" if name == "video" else _frame(query))
        if "prompt" not in query and not values.get("prompt"):
            source = services.jobs.get(artifact.job_id)
            values["prompt"] = source.spec.prompt if source else ""
    return replace(draft, tab=tab, values=values, slots=slots)


def from_form(services: Services, draft: Draft, form: Mapping[str, str]) -> Draft:
    """A form as it was sent."""
    tab = form.get("task", draft.tab)
    slots = {name: named(services, name, form) for name in SLOTS}
    values = {name: form[name].strip() if name != "prompt" else form[name] for name in VALUES if name in form}
    return replace(draft, tab=tab, values={**draft.values, **values}, slots=slots, parts=_parts(form))


def editing(draft: Draft, job: Job | None) -> Draft:
    """The same draft as a change of this queued job."""
    return replace(draft, editing=job)


def refused(draft: Draft, problem: ProblemError) -> Draft:
    """The draft with what is wrong beside each field."""
    errors = {words.control(e.field): words.complaint(e) for e in problem.errors} or {"": problem.message}
    return replace(draft, tab=draft.tab if draft.tab in TABS else TABS[0], errors=errors)


def spec_fields(draft: Draft) -> dict[str, Any]:
    """The spec's fields that belong to the draft's tab: what stands in other tabs' controls is left out."""
    left_out = set() if draft.tab == "video-to-video" else {"strength"}
    if draft.tab == STORYBOARD:
        left_out |= LENGTHS
    elif draft["seconds"]:
        left_out |= {"num_frames"}
    fields: dict[str, Any] = {name: draft[name] for name in VALUES if draft[name] and name not in left_out}
    for name in SLOTS_BY_TAB.get(draft.tab, ()):
        if draft.slots[name].is_filled:
            fields[name] = draft.slots[name].reference()
    if draft.tab == STORYBOARD:
        fields["segments"] = [_segment(part) for part in draft.parts if part.is_filled]
    return {"task": "text-to-video" if draft.tab == STORYBOARD else draft.tab, "model": draft.model, **fields}


def _parts(form: Mapping[str, str]) -> tuple[Part, ...]:
    rows: dict[int, dict[str, str]] = {}
    for name, value in form.items():
        if found := PART_FIELD.fullmatch(name):
            rows.setdefault(int(found[1]), {})[found[2]] = value
    told = (rows[n] for n in sorted(rows)[:PARTS_LIMIT])
    return tuple(Part(row.get("prompt", ""), row.get("seconds", "").strip(), "cut" in row) for row in told)


def _frame(query: Mapping[str, str]) -> str:
    number, frame = query.get("number", ""), query.get("frame", "-1")
    if number.isdecimal() and len(number) < 10:
        return str(max(int(number), 1) - 1)
    return frame if frame.removeprefix("-").isdecimal() and len(frame) < 10 else "-1"


def _part(segment: Segment, fps: int) -> Part:
    return Part(segment.prompt, f"{(segment.frames or 0) / fps:g}", segment.cut)


def _segment(part: Part) -> dict[str, Any]:
    return {"prompt": part.prompt.strip(), "seconds": part.seconds or None, "cut": part.cut}


__all__ = [
    "STORYBOARD",
    "Draft",
    "Part",
    "blank",
    "editing",
    "from_form",
    "from_job",
    "from_query",
    "from_spec",
    "recalled",
    "refused",
    "spec_fields",
]
