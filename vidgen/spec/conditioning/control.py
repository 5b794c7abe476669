"""A control: a video whose edges, depth, pose, motion or layout the clip follows."""

from typing import Literal

from pydantic import Field

from vidgen.spec.base import SpecModel
from vidgen.spec.media_ref import MediaRef

ControlKind = Literal["canny", "soft-edge", "scribble", "gray", "depth", "pose", "flow", "layout", "face"]
UNDRAWN: frozenset[ControlKind] = frozenset({"depth", "pose", "face"})
"""Kinds that take a network to be drawn from what a clip shows; none is bundled, but one may be added."""
DRAWN_ALWAYS: tuple[ControlKind, ...] = ("canny", "soft-edge", "scribble", "gray", "flow", "layout")
"""Kinds that are drawn without any."""
CONTROL_LIMIT = 4
HEAVIEST = 2.0


class Control(SpecModel):
    """One signal. Several are followed at once, each by its weight and for its share of the steps."""

    kind: ControlKind
    video: MediaRef = Field(description="A clip at least as long as the result, or a picture that holds all the time.")
    drawn: bool = Field(
        default=False, description="The video is the control itself; else the control is drawn from what it shows."
    )
    weight: float | None = Field(default=None, ge=0, le=HEAVIEST, description="1 as trained, 0 not at all.")
    start: float = Field(default=0.0, ge=0, le=1, description="Share of the steps from which on it counts.")
    end: float = Field(default=1.0, ge=0, le=1, description="Share of the steps up to which it counts.")
    smoothing: float = Field(
        default=0.0, ge=0, le=1, description="How far a drawn control is smoothed over time; 0 leaves it as drawn."
    )


def steps_before(share: float, steps: int) -> int:
    """How many of a run's steps begin before `share` of it (0..1): those n of `steps` with n / steps < share.

    Counted, and not worked out by a product, which rounds: 0.28 * 25 is 7.000000000000001.
    """
    return sum(step / steps < share for step in range(steps))
