"""What stands in the composer: defaults, the settings of an earlier job, or a form as it was sent.

A draft holds texts, as controls do. What it asks of the service are `spec_fields`.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from vidgen.jobs.views import Job
from vidgen.spec import ExtendVideo, JobSpec, ModelRules, ProcessVideo, Segment
from vidgen_models.registry import Manifest
from vidgen_web.portal import messages, words
from vidgen_web.portal.composer import advanced, conditioning, finishing, keyframes
from vidgen_web.portal.composer.keyframes import Key
from vidgen_web.portal.composer.slots import EMPTY, Slot, from_artifact, from_reference, named
from vidgen_web.problems import ProblemError
from vidgen_web.services import Services

# tabs of the composer that are no tasks of their own: text-to-video jobs with prompts, or pictures, over time
STORYBOARD, KEYFRAMES = "storyboard", "keyframes"
EXTEND, PROCESS = "extend-video", "process-video"
TAB_BY_MODE = {
    "text": "text-to-video",
    "image": "image-to-video",
    "video": "video-to-video",
    "keyframes": KEYFRAMES,
    "story": STORYBOARD,
    "extend": EXTEND,
    "finish": PROCESS,
}
TABS = tuple(TAB_BY_MODE.values())
TASKS = {STORYBOARD: "text-to-video", KEYFRAMES: "text-to-video"}
SLOTS = ("image", "last_image", "video")
SLOTS_BY_TAB = {
    "image-to-video": ("image", "last_image"),
    "video-to-video": ("video",),
    EXTEND: ("video",),
    PROCESS: ("video",),
}
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
    "direction",
    "number",
)
# what one tab alone asks for
ONLY = {"strength": "video-to-video", "direction": EXTEND, "number": EXTEND}
LENGTHS = frozenset({"num_frames", "seconds"})
FINISHING = frozenset(finishing.names())
# parts of the composer that are fetched when they are asked for, by what stands in them
SECTIONS = {
    "finish": ("post", "output"),
    "advanced": ("advanced", "lora", "long"),
    "motion": tuple(conditioning.HEADS),
    "grid": ("vary",),
    "presets": ("preset",),
    "words": (),
}
VARIED = re.compile(r"vary\.[01]\.(?:field|values)")
REFERENCE = "references"
PARTS_OFFERED = 3
PARTS_LIMIT = 100
PART_FIELD = re.compile(r"segments\.(\d{1,3})\.(prompt|seconds|cut|transition_seconds)")


@dataclass(frozen=True, slots=True)
class Part:
    """One row of the storyboard; rows without a prompt and a length are left out."""

    prompt: str = ""
    seconds: str = ""
    cut: bool = False
    transition: str = ""

    @property
    def is_filled(self) -> bool:
        return bool(self.prompt.strip() or self.seconds)


@dataclass(frozen=True, slots=True)
class Draft:
    """Every control's text. Empty numbers mean: the model's default. `editing` is the queued job that is changed.

    `changes` are what was done to the prompt when it was enriched.
    """

    tab: str
    model: str
    values: Mapping[str, str]
    slots: Mapping[str, Slot] = field(default_factory=lambda: dict.fromkeys(SLOTS, EMPTY))
    parts: tuple[Part, ...] = ()
    keys: tuple[Key, ...] = ()
    errors: Mapping[str, str] = field(default_factory=dict)
    editing: Job | None = None
    opened: frozenset[str] = frozenset()
    changes: tuple[str, ...] = ()

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

    @property
    def key_rows(self) -> tuple[Key, ...]:
        return self.keys or (Key(),) * keyframes.OFFERED

    @property
    def sections(self) -> frozenset[str]:
        """The parts that are shown: opened ones, and those in which something was chosen or is wrong."""
        heads = {name.partition(".")[0] for name, value in self.values.items() if value and name != "long.loop"}
        heads |= {name.partition(".")[0] for name, slot in self.slots.items() if slot.is_filled and "." in name}
        told = {section for section, names in SECTIONS.items() if {*names} & (heads | {*self.errors} - {"long"})}
        return self.opened | told | ({"finish"} if self.tab == PROCESS else set())


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
    first = next((tab for tab in TABS if tab in rules.tasks), TABS[0])
    return Draft(first, manifest.id, {name: f"{value:g}" for name, value in values.items()})


def from_job(services: Services, draft: Draft, job: Job) -> Draft:
    """The settings of an earlier job, its seed and its media included."""
    return from_spec(services, draft, job.spec)


def from_spec(services: Services, draft: Draft, spec: JobSpec) -> Draft:
    """A resolved spec as a draft; media that this service does not hold leave their slots empty."""
    slots = {name: from_reference(services, getattr(spec, name, None)) for name in SLOTS}
    values = {**draft.values, **finishing.texts(spec.post, spec.output)}
    if isinstance(spec, ProcessVideo):
        return replace(draft, tab=PROCESS, values=values, slots=slots)
    told = spec.model_dump(mode="json", include=set(VALUES), exclude_none=True)
    values |= {name: f"{value:g}" if isinstance(value, float) else str(value) for name, value in told.items()}
    values |= advanced.texts(spec, _rules(services, spec.model))
    fps = spec.fps or 1
    if isinstance(spec, ExtendVideo):
        values |= _extension(spec, fps)
    keys = keyframes.from_spec(services, spec.keyframes, spec.num_frames or 0, fps)
    parts = tuple(_part(segment, fps) for segment in spec.segments)
    led = KEYFRAMES if keys else spec.task
    items, item_slots = conditioning.texts(services, spec)
    values, slots = {**values, **items}, {**slots, **item_slots}
    tab = STORYBOARD if parts and spec.task == "text-to-video" else led
    return replace(draft, tab=tab, model=spec.model, values=values, slots=slots, parts=parts, keys=keys)


def recalled(draft: Draft, earlier: Draft, what: str) -> Draft:
    """`draft` with what is asked of an earlier clip's settings: `but-seed`, `seed`, `prompt`, or all of them."""
    if what in ("seed", "prompt"):
        return replace(draft, values={**draft.values, what: earlier[what]})
    return replace(earlier, values={**earlier.values, "seed": ""}) if what == "but-seed" else earlier


def from_query(services: Services, draft: Draft, query: Mapping[str, str]) -> Draft:
    """What a link asks for: `mode`, `prompt`, and `source` for the slot `slot` (or that mode's first; a mode, too).

    Of the source, `frame` counts from 0 (-1 is the last), `number` as people do. `with` opens a section.
    """
    mode = "text" if query.get("slot") == REFERENCE else query.get("mode", "")
    tab = TAB_BY_MODE.get(query.get("slot", "")) or TAB_BY_MODE.get(mode, draft.tab)
    values = {**draft.values, **({"prompt": query["prompt"]} if "prompt" in query else {})}
    slots, keys = {**draft.slots}, draft.keys
    offered = SLOTS_BY_TAB.get(tab, ())
    takes = offered or tab == KEYFRAMES or query.get("slot") == REFERENCE
    artifact = services.jobs.artifact(query.get("source", "")) if takes else None
    if artifact is not None and tab == KEYFRAMES:
        keys = (*keys, Key(from_artifact(services, artifact, _frame(query))), Key())
    elif artifact is not None and query.get("slot") == REFERENCE:
        slots[f"{REFERENCE}.0.image"] = from_artifact(services, artifact, _frame(query))
    elif artifact is not None:
        name = query.get("slot", "") if query.get("slot") in offered else offered[0]
        slots[name] = from_artifact(services, artifact, "" if name == "video" else _frame(query))
        if tab == EXTEND and query.get("number", "").isdecimal():
            values["number"] = query["number"]
    if artifact is not None and "prompt" not in query and not values.get("prompt"):
        source = services.jobs.get(artifact.job_id)
        values["prompt"] = source.spec.prompt if source else ""
    opened = draft.opened | {section for section in SECTIONS if section == query.get("with")}
    return replace(draft, tab=tab, values=values, slots=slots, keys=keys, opened=opened)


def from_form(services: Services, draft: Draft, form: Mapping[str, str], files: Collection[str] = frozenset()) -> Draft:
    """A form as it was sent, and the names of its files."""
    tab = form.get("task", draft.tab)
    slots = {name: named(services, name, form) for name in SLOTS}
    slots |= conditioning.slots_of(services, form, files)
    # in the form's order, which is that of the steps
    values = {name: text if name == "prompt" else text.strip() for name, text in form.items() if _is_value(name)}
    opened = frozenset(section for section in SECTIONS if f"section.{section}" in form)
    told = replace(draft, tab=tab, values={**draft.values, **values}, slots=slots, opened=opened)
    return replace(told, parts=_parts(form), keys=keyframes.from_form(services, form))


def editing(draft: Draft, job: Job | None) -> Draft:
    """The same draft as a change of this queued job."""
    return replace(draft, editing=job)


def refused(draft: Draft, problem: ProblemError) -> Draft:
    """The draft with what is wrong beside each field."""
    errors = {words.control(e.field): words.complaint(e) for e in problem.errors} or {
        "": messages.said(problem.message)
    }
    return replace(draft, tab=draft.tab if draft.tab in TABS else TABS[0], errors=errors)


def settings_of(draft: Draft) -> dict[str, str]:
    """What a preset keeps of the draft: every filled control but words, seed and what goes with one picture."""
    left_out = {"prompt", "negative_prompt", "seed", "number"}
    own = {name: text for name, text in draft.values.items() if text and name not in left_out}
    return {name: text for name, text in own.items() if name in VALUES or name in FINISHING or advanced.is_ours(name)}


def with_settings(draft: Draft, settings: Mapping[str, str]) -> Draft:
    """The draft with a preset's settings in place of its own."""
    own = settings_of(draft)
    kept = {name: text for name, text in draft.values.items() if name not in own}
    return replace(draft, values={**kept, **{name: text for name, text in settings.items() if _is_value(name)}})


def spec_fields(draft: Draft) -> dict[str, Any]:
    """The spec's fields that belong to the draft's tab: what stands in other tabs' controls is left out."""
    media = {
        name: slot.reference() for name in SLOTS_BY_TAB.get(draft.tab, ()) if (slot := draft.slots[name]).is_filled
    }
    given = {**media, **finishing.spec_fields(draft.values)}
    if draft.tab == PROCESS:
        return {"task": PROCESS, **given}
    left_out = {name for name, tab in ONLY.items() if tab != draft.tab} | {"number"}
    told = {name: draft[name] for name in VALUES if draft[name] and name not in left_out | LENGTHS}
    fields: dict[str, Any] = {**told, **_length(draft), **given, **advanced.spec_fields(draft.values)}
    if draft.tab != EXTEND:  # an extension goes on as its clip does
        fields |= conditioning.spec_fields(draft.values, draft.slots, draft.tab)
    if draft.tab == STORYBOARD:
        fields["segments"] = [_segment(part) for part in draft.parts if part.is_filled]
    if draft.tab == KEYFRAMES:
        fields["keyframes"] = keyframes.spec_fields(draft.keys)
    if draft.tab == EXTEND and draft["number"].isdecimal() and len(draft["number"]) < 10:
        fields["from_frame"] = max(int(draft["number"]), 1) - 1
    return {"task": TASKS.get(draft.tab, draft.tab), "model": draft.model, **fields}


def _length(draft: Draft) -> dict[str, Any]:
    """How long the clip shall be. Loops and extensions snap to other numbers of frames, so they ask for seconds."""
    if draft.tab == STORYBOARD:
        return {}
    if draft["seconds"]:
        return {"seconds": draft["seconds"]}
    frames, fps = draft["num_frames"], draft["fps"]
    whole = frames.isdecimal() and fps.isdecimal() and len(frames + fps) < 12 and int(fps) > 0
    if whole and (draft.tab == EXTEND or draft["long.loop"]):
        return {"seconds": int(frames) / int(fps)}
    return {"num_frames": frames} if frames else {}


def _is_value(name: str) -> bool:
    return (
        name in VALUES
        or name in FINISHING
        or advanced.is_ours(name)
        or conditioning.is_ours(name)
        or bool(VARIED.fullmatch(name))
    )


def _rules(services: Services, model: str) -> ModelRules:
    return services.models.manifests[model].rules


def _extension(spec: ExtendVideo, fps: int) -> dict[str, str]:
    """The new part's length in seconds, and the frame that it goes on from as people count."""
    number = "" if spec.from_frame is None or spec.from_frame < 0 else str(spec.from_frame + 1)
    return {"number": number, "num_frames": "", "seconds": f"{(spec.num_frames or 0) / fps:g}"}


def _parts(form: Mapping[str, str]) -> tuple[Part, ...]:
    rows: dict[int, dict[str, str]] = {}
    for name, value in form.items():
        if found := PART_FIELD.fullmatch(name):
            rows.setdefault(int(found[1]), {})[found[2]] = value
    told = (rows[n] for n in sorted(rows)[:PARTS_LIMIT])
    return tuple(
        Part(
            row.get("prompt", ""),
            row.get("seconds", "").strip(),
            "cut" in row,
            row.get("transition_seconds", "").strip(),
        )
        for row in told
    )


def _frame(query: Mapping[str, str]) -> str:
    number, frame = query.get("number", ""), query.get("frame", "-1")
    if number.isdecimal() and len(number) < 10:
        return str(max(int(number), 1) - 1)
    return frame if frame.removeprefix("-").isdecimal() and len(frame) < 10 else "-1"


def _part(segment: Segment, fps: int) -> Part:
    transition = f"{segment.transition_frames / fps:g}" if segment.transition_frames else ""
    return Part(segment.prompt, f"{(segment.frames or 0) / fps:g}", segment.cut, transition)


def _segment(part: Part) -> dict[str, Any]:
    told = {"prompt": part.prompt.strip(), "seconds": part.seconds or None, "cut": part.cut}
    return {**told, "transition_seconds": part.transition} if part.transition and not part.cut else told


__all__ = [
    "KEYFRAMES",
    "PROCESS",
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
