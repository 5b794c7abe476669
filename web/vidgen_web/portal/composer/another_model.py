"""A draft made for one model, gone on with for another: what was chosen stays, as far as the other model takes it."""

from collections.abc import Mapping
from dataclasses import replace

from vidgen.spec import ModelRules, nearest_frame_counts
from vidgen_models.registry import Manifest
from vidgen_web.portal.composer import advanced, conditioning, drafts
from vidgen_web.portal.composer.drafts import KEYFRAMES, STORYBOARD, TASKS, Draft


def for_model(draft: Draft, before: Manifest, now: Manifest) -> Draft:
    """What stands as the earlier model has it becomes as this one has it; what this one does not take is left out."""
    usual, own = drafts.blank(before).values, drafts.blank(now).values
    kept = {name: text for name, text in draft.values.items() if is_taken(name, now.rules)}
    values = {name: own.get(name, text) if text == usual.get(name) else text for name, text in kept.items()}
    slots = {name: slot for name, slot in draft.slots.items() if is_taken(name, now.rules)}
    tab = draft.tab if draft.tab in tabs(now.rules) else drafts.blank(now).tab
    return replace(draft, model=now.id, tab=tab, values={**own, **values, **_lengths(values, now.rules)}, slots=slots)


def tabs(rules: ModelRules) -> frozenset[str]:
    """The composer's tabs that a model has."""
    by_text = "text-to-video" in rules.tasks
    led = {KEYFRAMES: by_text and rules.keyframes, STORYBOARD: by_text and rules.long is not None, drafts.PROCESS: True}
    return frozenset(tab for tab in drafts.TABS if led.get(tab, TASKS.get(tab, tab) in rules.tasks))


def is_taken(name: str, rules: ModelRules) -> bool:
    """Whether the model has the composer's control of this name."""
    head, _, rest = name.partition(".")
    if head == conditioning.REGIONS:
        return rules.regions
    if head in conditioning.HEADS:
        return conditioning.is_taken(name, rules.conditioning)
    known = {
        advanced.SAMPLING: rest == "expert" or rest in rules.options,
        advanced.LORA: rest.rpartition(".")[0] in rules.loras,
        advanced.LONG: rules.long is not None,
        "seconds": rules.long is not None,
        "width": rules.sides.min < rules.sides.max,
        "height": rules.sides.min < rules.sides.max,
        "negative_prompt": rules.negative_prompt,
    }
    return known.get(head, True)


def _lengths(values: Mapping[str, str], rules: ModelRules) -> dict[str, str]:
    """Of the lengths that this model has, the one that is nearest to what was chosen."""
    chosen = values.get("num_frames", "")
    if not chosen.isdecimal() or len(chosen) > 9:
        return {}
    return {"num_frames": str(nearest_frame_counts(int(chosen), rules.any_frames)[-1])}
