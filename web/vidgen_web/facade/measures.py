"""Seconds and sizes as this API writes them, against the frames and sides that a model can do. Knows no HTTP.

A model that counts its frames as 4k+1 shows the first at second 0 and k groups after it: 17 frames at 8 a second are
the 2 seconds from the first to the last, and asking for 2 seconds gives 17.
"""

import re
from fractions import Fraction

from vidgen.errors import SpecError
from vidgen.spec import ModelRules, nearest_frame_counts, nearest_side
from vidgen.spec.rules import FrameRule, whole_groups

# what this API's clients send when nobody chose; a model that cannot do it gives its own default instead
CUSTOMARY_MODEL, CUSTOMARY_SECONDS, CUSTOMARY_SIZE = "sora-2", "4", "720x1280"
SECONDS = re.compile(r"[0-9]{1,5}(\.[0-9]{1,6})?")
SIZE = re.compile(r"([0-9]{1,5})x([0-9]{1,5})")


def frames_of(
    seconds: str | float | None, rules: ModelRules, fps: int | None = None, *, added: bool = False
) -> int | None:
    """The frame count of a length; None where the model's default is meant. Raises SpecError with the nearest.

    `added` frames go on from a clip: there is no first one that takes no time.
    """
    if seconds is None:
        return None
    text = f"{seconds:g}" if isinstance(seconds, int | float) else seconds
    if not SECONDS.fullmatch(text):
        raise SpecError(f"seconds={text}: give a number of seconds", field="seconds")
    rate, rule = fps or rules.fps, rules.any_frames
    rule = whole_groups(rule, rule.step) if added else rule
    exact = Fraction(text) * rate + _first(rule)
    nearest = nearest_frame_counts(round(exact), rule)
    if exact in nearest:
        return int(exact)
    if text == CUSTOMARY_SECONDS:
        return None
    lengths = tuple(float(seconds_of(count, rate, rule)) for count in nearest)
    words = " and ".join(f"{length:g}" for length in lengths)
    verb = "are" if len(lengths) > 1 else "is"
    raise SpecError(
        f"seconds={text}: this model cannot make a clip of that length; nearest {verb} {words}",
        field="seconds",
        nearest=lengths,
    )


def seconds_of(num_frames: int, fps: float, rule: FrameRule | None) -> str:
    """The length of so many frames, without trailing zeros; `rule` is the model's, where it is still installed."""
    return f"{max(num_frames - (_first(rule) if rule else 0), 0) / fps:.6g}"


def sides_of(size: str | None, rules: ModelRules) -> tuple[int, int] | None:
    """Width and height; None where the model's default is meant. Raises SpecError naming the nearest size."""
    if size is None:
        return None
    found = SIZE.fullmatch(size)
    if found is None:
        raise SpecError(f"size={size}: give width and height in pixels, such as 64x64", field="size")
    width, height = int(found[1]), int(found[2])
    nearest = (nearest_side(width, rules.sides), nearest_side(height, rules.sides))
    if nearest == (width, height):
        return nearest
    if size == CUSTOMARY_SIZE:
        return None
    raise SpecError(
        f"size={size}: this model cannot make clips of that size; nearest is {nearest[0]}x{nearest[1]}", field="size"
    )


def _first(rule: FrameRule) -> int:
    """Frames that take no time of their own: the first one of a model that counts in groups after it."""
    return rule.min % rule.step if rule.step > 1 else 0
