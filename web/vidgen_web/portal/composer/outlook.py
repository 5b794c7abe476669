"""What the composer foretells of a draft: its length, how long it will take, and what is wrong with it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from vidgen.errors import VidgenError
from vidgen.spec import JobSpec
from vidgen_models.registry import Manifest
from vidgen_web import submission
from vidgen_web.api.jobs import form_fields
from vidgen_web.forecast import Forecast, forecast
from vidgen_web.media_check import check_media
from vidgen_web.portal import words
from vidgen_web.portal.composer import asked, drafts
from vidgen_web.portal.composer.complaints import complaints_of
from vidgen_web.portal.composer.drafts import Draft
from vidgen_web.portal.languages import gettext as _
from vidgen_web.portal.remarks import sentences
from vidgen_web.problems import FieldError, ProblemError, problem_of
from vidgen_web.services import Services


@dataclass(frozen=True, slots=True)
class Outlook:
    """`length` and `time` are empty where `errors` say why."""

    length: str = ""
    time: str = ""
    told: Sequence[str] = ()
    """What is no fault, but good to know."""
    errors: Mapping[str, str] = field(default_factory=dict)


def outlook(found: Services, draft: Draft) -> Outlook:
    """The outlook of a draft; an empty slot or prompt is not yet wrong."""
    fields = _measurable(draft, found.models.manifests[draft.model])
    if fields is None:
        return Outlook()
    try:
        spec, used = submission.resolved(found, submission.parse(fields))
        check_media(found, spec)
        submission.admitted(found, spec, used)
        expected = forecast(found, spec, used)
    except VidgenError as error:
        return Outlook(errors=complaints_of(draft, problem_of(error)))
    return Outlook(_length(spec, used), _time(expected), sentences(expected.warnings))


def wanted_fields(draft: Draft) -> dict[str, Any]:
    """The draft as spec fields. Raises ProblemError invalid_request where it says too little to begin with."""
    # the API takes an empty prompt; of a person at the composer it is a slip
    if missing := _missing_prompts(draft):
        told = tuple(FieldError(field=field, message=message) for field, message in missing.items())
        raise ProblemError("invalid_request", next(iter(missing.values())), errors=told)
    return form_fields(asked.spec_fields(draft))


def _missing_prompts(draft: Draft) -> dict[str, str]:
    """What is asked for by the fields in which it is missing."""
    if draft["prompt"].strip():
        empty = draft.tab == drafts.STORYBOARD and not any(part.is_filled for part in draft.parts)
        return {"segments": _("say how long a part shall be")} if empty else {}
    if draft.tab == drafts.STORYBOARD:
        parts = [part for part in draft.parts if part.is_filled]
        wanted = [f"segments.{n}.prompt" for n, part in enumerate(parts) if not part.prompt.strip()]
        return dict.fromkeys(wanted if parts else ["prompt"], _("say what it should show"))
    if draft.tab in ("text-to-video", drafts.KEYFRAMES):
        return {"prompt": _("say what the clip should show, or pick an example")}
    return {}


def _measurable(draft: Draft, manifest: Manifest) -> dict[str, Any] | None:
    """The draft's fields; time does not depend on what the media are, so an empty slot is forecast as text alone.

    None where nothing can be told without the media.
    """
    fields = form_fields(asked.spec_fields(draft))
    if draft.tab == drafts.STORYBOARD and not fields.get("segments"):
        fields.pop("segments", None)
    needed = next(iter(drafts.SLOTS_BY_TAB.get(draft.tab, ())), None)
    if needed is None or needed in fields:
        return fields
    if draft.tab == drafts.PROCESS or "text-to-video" not in manifest.rules.tasks:
        return None
    alone = {name: value for name, value in fields.items() if name not in (*drafts.SLOTS, *drafts.ONLY, "from_frame")}
    return {**alone, "task": "text-to-video"}


def _length(spec: JobSpec, manifest: Manifest | None) -> str:
    """How long the clip is, and in how many pieces it is made."""
    length = words.clip_length(spec.num_frames or 0, spec.fps or 1)
    rule = manifest.rules.long if manifest else None
    if manifest is None or rule is None or spec.long is None or spec.segments:
        return length
    new = rule.window - (spec.long.overlap or rule.overlap)
    chunks = 1 + math.ceil(((spec.num_frames or 0) - manifest.rules.frames.max) / new)
    return _("%(length)s · %(n)s chunks", length=length, n=chunks)


def _time(expected: Forecast) -> str:
    time = words.about(expected.seconds)
    if not expected.measured_jobs:
        time = _("%(time)s, a first guess", time=time)
    if expected.jobs_ahead:
        time = _("%(time)s, after %(n)s in line", time=time, n=expected.jobs_ahead)
    needs = [tiers.get("full", 0) for tiers in expected.memory_mb.values()]
    # of several devices, the one that takes least
    return _("%(time)s · %(memory)s of memory", time=time, memory=words.size(min(needs) * 10**6)) if needs else time
