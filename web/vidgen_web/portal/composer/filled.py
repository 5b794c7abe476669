"""Drafts filled in: with the settings of an earlier job, by what a link asks for, or by a form as it was sent."""

from collections.abc import Collection, Mapping
from dataclasses import replace

from vidgen.jobs.views import Job
from vidgen.spec import ExtendVideo, JobSpec, ModelRules, ProcessVideo, TrainLora
from vidgen_web.portal.composer import advanced, conditioning, finishing, keyframes, story
from vidgen_web.portal.composer.drafts import (
    EXTEND,
    KEYFRAMES,
    PROCESS,
    SECTIONS,
    SLOTS,
    SLOTS_BY_TAB,
    STORYBOARD,
    TAB_BY_MODE,
    VALUES,
    Draft,
    is_value,
)
from vidgen_web.portal.composer.keyframes import Key
from vidgen_web.portal.composer.slots import Slot, from_artifact, from_reference, named
from vidgen_web.services import Services

REFERENCE = "references"


def from_job(services: Services, draft: Draft, job: Job) -> Draft:
    """The settings of an earlier job, its seed and its media included."""
    return from_spec(services, draft, job.spec)


def from_spec(services: Services, draft: Draft, spec: JobSpec) -> Draft:
    """A resolved spec as a draft; media that this service does not hold leave their slots empty."""
    if isinstance(spec, TrainLora):
        return draft  # nothing of it is asked for here
    slots = {name: from_reference(services, getattr(spec, name, None)) for name in SLOTS}
    slots[finishing.PICTURE] = finishing.picture_of(services, spec.post)
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
    parts = story.from_spec(spec.segments, fps)
    led = KEYFRAMES if keys else spec.task
    items, item_slots = conditioning.texts(services, spec)
    values, slots = {**values, **items}, {**slots, **item_slots}
    tab = STORYBOARD if parts and spec.task == "text-to-video" else led
    return replace(draft, tab=tab, model=spec.model, values=values, slots=slots, parts=parts, keys=keys)


def from_query(services: Services, draft: Draft, query: Mapping[str, str]) -> Draft:
    """What a link asks for: `mode`, `prompt`, and `source` for the slot `slot` (or that mode's first; a mode, too).

    `upload` is such a source, too. Of the source, `frame` counts from 0 (-1 is the last), `number` as people do.
    `with` opens a section.
    """
    mode = "text" if query.get("slot") == REFERENCE else query.get("mode", "")
    tab = TAB_BY_MODE.get(query.get("slot", "")) or TAB_BY_MODE.get(mode, draft.tab)
    values = {**draft.values, **({"prompt": query["prompt"]} if "prompt" in query else {})}
    slots, keys = {**draft.slots}, draft.keys
    offered = SLOTS_BY_TAB.get(tab, ())
    takes = offered or tab == KEYFRAMES or query.get("slot") == REFERENCE
    artifact = services.jobs.artifact(query.get("source", "")) if takes else None
    upload = services.uploads.get(query["upload"]) if offered and query.get("upload") else None
    if upload is not None:
        frame = "0" if upload.kind == "video" and offered[0] != "video" else ""
        slots[offered[0]] = Slot(upload_id=upload.id, frame=frame, label=upload.filename)
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
    slots = {name: named(services, name, form) for name in (*SLOTS, finishing.PICTURE)}
    slots |= conditioning.slots_of(services, form, files)
    # in the form's order, which is that of the steps
    values = {name: text if name == "prompt" else text.strip() for name, text in form.items() if is_value(name)}
    opened = frozenset(section for section in SECTIONS if f"section.{section}" in form)
    told = replace(draft, tab=tab, values={**draft.values, **values}, slots=slots, opened=opened)
    return replace(told, parts=story.from_form(form), keys=keyframes.from_form(services, form))


def _rules(services: Services, model: str) -> ModelRules:
    return services.models.manifests[model].rules


def _extension(spec: ExtendVideo, fps: int) -> dict[str, str]:
    """The new part's length in seconds, and the frame that it goes on from as people count."""
    number = "" if spec.from_frame is None or spec.from_frame < 0 else str(spec.from_frame + 1)
    return {"number": number, "num_frames": "", "seconds": f"{(spec.num_frames or 0) / fps:g}"}


def _frame(query: Mapping[str, str]) -> str:
    number, frame = query.get("number", ""), query.get("frame", "-1")
    if number.isdecimal() and len(number) < 10:
        return str(max(int(number), 1) - 1)
    return frame if frame.removeprefix("-").isdecimal() and len(frame) < 10 else "-1"
