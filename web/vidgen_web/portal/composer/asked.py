"""What a draft asks of the service: the fields of a job's spec."""

from typing import Any

from vidgen_web.portal.composer import advanced, conditioning, finishing, keyframes, story
from vidgen_web.portal.composer.drafts import (
    EXTEND,
    KEYFRAMES,
    LENGTHS,
    ONLY,
    PROCESS,
    SLOTS_BY_TAB,
    STORYBOARD,
    TASKS,
    VALUES,
    Draft,
)
from vidgen_web.portal.composer.slots import EMPTY


def spec_fields(draft: Draft) -> dict[str, Any]:
    """The spec's fields that belong to the draft's tab: what stands in other tabs' controls is left out."""
    media = {
        name: slot.reference() for name in SLOTS_BY_TAB.get(draft.tab, ()) if (slot := draft.slots[name]).is_filled
    }
    given = {**media, **finishing.spec_fields(draft.values, draft.slots.get(finishing.PICTURE, EMPTY))}
    if draft.tab == PROCESS:
        return {"task": PROCESS, **given}
    left_out = {name for name, tab in ONLY.items() if tab != draft.tab} | {"number"}
    told = {name: draft[name] for name in VALUES if draft[name] and name not in left_out | LENGTHS}
    fields: dict[str, Any] = {**told, **_length(draft), **given, **advanced.spec_fields(draft.values)}
    fields |= conditioning.spec_fields(draft.values, draft.slots, draft.tab)
    if draft.tab == STORYBOARD:
        fields["segments"] = story.spec_fields(draft.parts)
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
