"""What a folder says of itself beside what its family's adapter can do, and whether its numbers go together.

It knows neither the file that says it nor people's wishes: it finds the first fault, by the field's name in the rules.
"""

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any

from vidgen.families.description import Description
from vidgen.spec import LongRule, ModelRules, SideRule
from vidgen.spec.conditioning.offers import WORDS
from vidgen.spec.rules import nearest_frame_counts, nearest_side
from vidgen.spec.wrong_fields import Nearest, WrongField

AMONG = (
    "tasks",
    "options",
    "samplers",
    "long.modes",
    "long.led_by",
    "conditioning.controls",
    "conditioning.reference_kinds",
    "conditioning.camera_axes",
)
"""Lists of which a folder may have what its family has."""
SWITCHES = (
    "sound",
    "prompt",
    "negative_prompt",
    "weighted_prompts",
    "regions",
    "keyframes",
    "conditioning.mask",
    "conditioning.ends",
    "conditioning.brush",
    "conditioning.control_shares",
)
"""True only where they are the family's, too."""
WAYS = ("conditioning.camera", "conditioning.trajectories", "conditioning.motion_strength")
"""None, or as the family has it."""
FIXED = (
    "restyle",
    "prediction",
    "frames.step",
    "long.from_the_end",
    "conditioning.control_networks",
    "conditioning.controls_needed",
)
"""Which the family's code decides."""
AT_MOST = (
    "conditioning.references",
    "conditioning.controls_at_once",
    "conditioning.camera_axes_at_once",
    "conditioning.trajectories_at_once",
)
FILLED_IN = ("loras", "embeddings", "conditioning.estimated", "conditioning.camera_loras")
"""By what is installed."""


def faults(claimed: ModelRules, said: Description) -> Iterator[WrongField]:
    """Every claim that is beyond the family, and every number that does not go with the others."""
    yield from _beyond(claimed, said)
    yield from _sides(claimed.sides, said.rules.sides)
    yield from _frames(claimed, said.rules)
    for name in ("steps", "guidance"):
        rule = getattr(claimed, name)
        yield from _between(f"{name}.default", rule.default, rule.min, rule.max)
    if claimed.distilled:
        yield from _at_most("guidance.max", claimed.guidance.max, 1.0, "a distilled model takes no guidance")
    if claimed.long is not None:
        yield from _long(claimed.long, claimed)
    yield from _cameras(claimed)


def _beyond(claimed: ModelRules, said: Description) -> Iterator[WrongField]:
    yield from _not_among(claimed, said)
    for name in SWITCHES:
        if _at(claimed, name) and not (_at(said.rules, name) or (name == "keyframes" and said.further.keyframes)):
            yield _wrong(name, "true", "the family cannot do it", ("false",))
    if claimed.long is not None and not _allowed("long.modes", said):
        yield _wrong("long", "…", "the family makes single windows only", ("null",))
    for name in WAYS:
        if _at(claimed, name) not in (None, theirs := _at(said.rules, name)):
            yield _wrong(name, _at(claimed, name), "the family has another way, or none", (_json(theirs),))
    for name in FIXED:
        theirs, given = _at(said.rules, name), _at(claimed, name)
        if (given or None) != (theirs or None):
            yield _wrong(name, _json(given), "its family's code decides it", (_json(theirs),))
    ends = {said.rules.last_image} | ({"no", "required"} if said.rules.last_image == "optional" else set())
    if claimed.last_image not in ends:
        yield _wrong("last_image", claimed.last_image, "the family has another way", (said.rules.last_image,))
    for name in AT_MOST:
        yield from _at_most(name, _at(claimed, name), _at(said.rules, name), "as the family takes no more")
    for name in FILLED_IN:
        if _at(claimed, name):
            yield _wrong(name, "…", "is filled in by what is installed; leave it out")


def _not_among(claimed: ModelRules, said: Description) -> Iterator[WrongField]:
    for name in AMONG:
        allowed = _allowed(name, said)
        for place, value in enumerate(_at(claimed, name) or ()):
            if value not in allowed:
                near: Nearest = tuple(get_close_matches(str(value), allowed, 1))
                yield _wrong(f"{name}.{place}", value, f"the family has {', '.join(allowed) or 'none'}", near)
    if not claimed.tasks:
        yield _wrong("tasks", "[]", f"give one at least, of {', '.join(said.rules.tasks)}")


def _allowed(name: str, said: Description) -> tuple[str, ...]:
    more = {"conditioning.controls": said.further.controls, "long.modes": said.further.long_modes}
    return tuple(dict.fromkeys((*(_at(said.rules, name) or ()), *more.get(name, ()))))


def _sides(sides: SideRule, theirs: SideRule) -> Iterator[WrongField]:
    if sides.multiple % theirs.multiple:
        near = max(1, round(sides.multiple / theirs.multiple)) * theirs.multiple
        yield _wrong("sides.multiple", sides.multiple, f"a multiple of {theirs.multiple}", (near,))
    elif sides.min % theirs.multiple:
        near = max(1, round(sides.min / theirs.multiple)) * theirs.multiple
        yield _wrong("sides.min", sides.min, f"a multiple of {theirs.multiple}", (near,))
    elif sides.max < sides.min:
        yield _wrong("sides.max", sides.max, f"at least min, {sides.min}", (sides.min,))
    else:
        for name in ("default_width", "default_height"):
            near = nearest_side(given := getattr(sides, name), sides)
            if near != given:
                yield _wrong(f"sides.{name}", given, f"{sides.min} to {sides.max} by {sides.multiple}", (near,))


def _frames(claimed: ModelRules, said: ModelRules) -> Iterator[WrongField]:
    frames, theirs = claimed.frames, said.frames
    valid = nearest_frame_counts(frames.min, theirs.model_copy(update={"max": max(theirs.max, frames.min)}))
    if valid != (frames.min,):
        yield _wrong("frames.min", frames.min, f"{theirs.min} and steps of {theirs.step} more", valid)
    elif frames.max < frames.min:
        yield _wrong("frames.max", frames.max, f"at least min, {frames.min}", (frames.min,))
    elif nearest_frame_counts(frames.default, frames) != (frames.default,):
        told = f"{frames.min} to {frames.max} by {frames.step}"
        yield _wrong("frames.default", frames.default, told, nearest_frame_counts(frames.default, frames))


def _long(long: LongRule, claimed: ModelRules) -> Iterator[WrongField]:
    step = claimed.frames.step
    for name in ("window", "overlap", "overlap_min", "overlap_max"):
        given = getattr(long, name)
        if given < step or given % step:
            yield _wrong(f"long.{name}", given, f"a multiple of {step}", (max(1, round(given / step)) * step,))
    yield from _at_most("long.overlap_max", long.overlap_max, long.window - step, "less than the window")
    yield from _between("long.overlap", long.overlap, long.overlap_min, long.overlap_max)
    if long.max_frames < claimed.frames.max:
        most = claimed.frames.max
        yield _wrong("long.max_frames", long.max_frames, f"at least frames.max, {most}", (most,))


def _cameras(claimed: ModelRules) -> Iterator[WrongField]:
    """Words and speeds are of moves along the axes that the camera has."""
    rules = claimed.conditioning
    moves = [move for axis in rules.camera_axes for move in WORDS[axis]]
    for name in ("camera_words", "camera_speeds"):
        for move in getattr(rules, name):
            if move not in moves:
                yield _wrong(f"conditioning.{name}.{move}", move, f"its camera_axes give {', '.join(moves) or 'none'}")
    for move, speed in rules.camera_speeds.items():
        if not 0 < speed <= 10:
            near = 10 if speed > 10 else 1
            yield _wrong(f"conditioning.camera_speeds.{move}", speed, "more than 0 and at most 10", (near,))


def _between(name: str, given: float, low: float, high: float) -> Iterator[WrongField]:
    if high < low:
        yield _wrong(f"{name.rpartition('.')[0]}.max", high, f"at least min, {low:g}", (low,))
    elif not low <= given <= high:
        yield _wrong(name, given, f"from {low:g} to {high:g}", (min(max(given, low), high),))


def _at_most(name: str, given: float, most: float, why: str) -> Iterator[WrongField]:
    if given > most:
        yield _wrong(name, given, f"at most {most:g}, {why}", (most,))


def _wrong(field: str, given: Any, rule: str, near: Nearest = ()) -> WrongField:
    words = f"; nearest: {' and '.join(map(str, near))}" if near else ""
    return WrongField(field, f"{given}: {rule}{words}", near)


def _json(value: Any) -> str:
    return "null" if value is None else str(value)


def _at(rules: ModelRules, name: str) -> Any:
    """A field by its dotted name; None where what it lies in is None."""
    found: Any = rules
    for part in name.split("."):
        found = None if found is None else getattr(found, part)
    return found
