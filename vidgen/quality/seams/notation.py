"""Joints as one line of text, as the command line takes them."""

import re

from vidgen.errors import SpecError
from vidgen.quality.seams.joints import Joint

JOINT = re.compile(r"(\d+)(?:-(\d+))?")


def joints_of(joints: str, cuts: str, num_frames: int) -> tuple[Joint, ...]:
    """`25,33-37` and the cuts `48`, in order of time. Raises SpecError on anything else, and beyond the clip."""
    blended = [_joint("joints", text, num_frames, cut=False) for text in _parts(joints)]
    return tuple(
        sorted(
            [*blended, *(_joint("cuts", text, num_frames, cut=True) for text in _parts(cuts))], key=lambda it: it.first
        )
    )


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _joint(field: str, text: str, num_frames: int, *, cut: bool) -> Joint:
    found = JOINT.fullmatch(text)
    if found is None:
        raise SpecError(f"{field}={text}: write the frame a piece begins with, or `FIRST-LAST`", field=field)
    first, last = int(found[1]), int(found[2] or found[1])
    if not 1 <= first <= last < num_frames:
        nearest = min(max(1, first), num_frames - 1)
        raise SpecError(f"{field}={text}: frames 1 to {num_frames - 1}; nearest is {nearest}", field=field)
    return Joint(first, last, cut=cut)
