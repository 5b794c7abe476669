"""Controls drawn from what a clip shows, a frame at a time. Depth and pose take networks, which a user adds."""

from collections.abc import Callable, Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from vidgen.errors import SpecError
from vidgen.media.frames import FrameChunk
from vidgen.motion.controls.canny import canny
from vidgen.motion.controls.flow import flow_stream
from vidgen.motion.controls.flow_colours import FULL_SPEED, flow_colours
from vidgen.motion.controls.gray import gray
from vidgen.motion.controls.layout import layout
from vidgen.motion.controls.scribble import scribble
from vidgen.motion.controls.smoothing import smoothed
from vidgen.motion.controls.soft_edge import soft_edge
from vidgen.motion.subject import boxes_of
from vidgen.runtime.control_drawer import Drawers
from vidgen.spec.conditioning.control import DRAWN_ALWAYS, UNDRAWN, ControlKind

Frame = NDArray[np.uint8]
Frames = Iterable[Frame]


NO_DRAWERS: Drawers = {}


def drawn(
    kind: ControlKind,
    frames: Frames,
    *,
    smoothing: float = 0.0,
    full_speed: float = FULL_SPEED,
    drawers: Drawers = NO_DRAWERS,
) -> Iterator[Frame]:
    """The control of each frame (`uint8 [height, width, 3]`); `drawers` are those of kinds that take a network.

    Raises SpecError where the kind cannot be drawn, or no frame has a subject whose box could be.
    """
    if kind in UNDRAWN:
        if kind not in drawers:
            raise SpecError(
                f"kind={kind}: no network that draws it is installed; give a {kind} video of your own (drawn), add "
                f"such a network with `vidgen models add FOLDER`, or take one of {', '.join(DRAWN_ALWAYS)}",
                field="kind",
            )
        return drawers[kind]().drawn(frames, smoothing)
    if kind == "flow":
        return _flow(frames, smoothing, full_speed)
    if kind == "layout":
        return _layout(frames)
    draw = DRAWN[kind]
    if not smoothing:
        return (draw(frame[None])[0] for frame in frames)
    return smoothed(((frame, draw(frame[None])[0]) for frame in frames), smoothing)


def _flow(frames: Frames, smoothing: float, full_speed: float) -> Iterator[Frame]:
    for field in motion(frames, smoothing):
        yield flow_colours(field[None], full_speed)[0]


def motion(frames: Frames, smoothing: float = 0.0) -> Iterator[NDArray[np.float32]]:
    """The motion that leads to each frame, `[2, height, width]`; smoothed, the motion of the past counts on."""
    kept: NDArray[np.float32] | None = None
    for field in flow_stream(frames):
        kept = field if kept is None else (1 - smoothing / 2) * field + smoothing / 2 * kept
        yield kept


def _layout(frames: Frames) -> Iterator[Frame]:
    found = False
    for frame in frames:
        (box,) = boxes_of(frame[None])
        found = found or box is not None
        yield layout([[box]], *frame.shape[:2])[0]
    if not found:
        raise SpecError(
            "kind=layout: no frame has a subject on a plain ground; give a layout video of your own (drawn)",
            field="kind",
        )


DRAWN: dict[str, Callable[[FrameChunk], FrameChunk]] = {
    "canny": canny,
    "soft-edge": soft_edge,
    "scribble": scribble,
    "gray": gray,
}
