"""How well a clip follows a control: the same control drawn from the clip, beside the one it was given. 1 is wholly."""

import cv2
import numpy as np
from numpy.typing import NDArray

from vidgen.errors import SpecError
from vidgen.media.frames import FrameChunk
from vidgen.motion.controls.draw import NO_DRAWERS, drawn
from vidgen.motion.controls.flow import flow_of
from vidgen.motion.controls.layout import LINE, Box
from vidgen.motion.subject import boxes_of
from vidgen.runtime.control_drawer import Drawers
from vidgen.spec.conditioning.control import ControlKind

SLACK = 0.025
"""Of the width: lines this far apart still meet by half."""
EQUAL = 99.0
"""What `psnr` says of pictures that are the same, in dB."""
SURFACES: tuple[ControlKind, ...] = ("gray", "depth")
"""Kinds that are no lines."""


def picture_agreement(
    kind: ControlKind, frames: FrameChunk, given: FrameChunk, drawers: Drawers = NO_DRAWERS
) -> float | None:
    """The correlation of edges or brightness, over all frames; None for kinds that cannot be drawn from frames.

    Nor are faces: what counts of them is an expression, not where its pixels are.
    """
    if kind == "face":
        return None
    try:
        made = np.stack(list(drawn(kind, frames, drawers=drawers)))
    except SpecError:
        return None
    sigma = 0.0 if kind in SURFACES else SLACK * frames.shape[2]
    return _correlation(_soft(made, sigma), _soft(given, sigma))


def motion_agreement(frames: FrameChunk, asked: NDArray[np.float32]) -> float:
    """The cosine between the fields of motion, measured and asked for (`[frames, 2, height, width]`)."""
    found = flow_of(frames)
    scale = float(np.sqrt((found.astype(np.float64) ** 2).sum() * (asked.astype(np.float64) ** 2).sum()))
    return float((found * asked).sum()) / scale if scale else 0.0


def layout_agreement(frames: FrameChunk, given: FrameChunk) -> float:
    """The mean overlap (intersection by union) of the subject's box with the one drawn, where there is one."""
    overlaps = []
    for box, control in zip(boxes_of(frames), given, strict=True):
        asked = drawn_box(control)
        if asked is not None:
            overlaps.append(0.0 if box is None else overlap(box, asked))
    return float(np.mean(overlaps)) if overlaps else 0.0


def drawn_box(control: NDArray[np.uint8]) -> Box | None:
    """The box around everything black in a layout."""
    rows, columns = np.nonzero(control.mean(axis=2) < 128)
    if not len(rows):
        return None
    height, width = control.shape[:2]
    half = max(1, round(LINE * min(height, width))) / 2  # the line lies on the box's edge
    left, right = (columns.min() + half) / width, (columns.max() + 1 - half) / width
    return Box(left, (rows.min() + half) / height, right, (rows.max() + 1 - half) / height)


def overlap(one: Box, other: Box) -> float:
    across = max(0.0, min(one.right, other.right) - max(one.left, other.left))
    down = max(0.0, min(one.bottom, other.bottom) - max(one.top, other.top))
    both = across * down
    union = _area(one) + _area(other) - both
    return both / union if union > 0 else 0.0


def psnr(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    """In dB; `EQUAL` for equal pictures."""
    error = float(((one.astype(np.float64) - other) ** 2).mean()) if one.size else 0.0
    return EQUAL if error == 0 else float(10 * np.log10(255**2 / error))


def _area(box: Box) -> float:
    return max(0.0, box.right - box.left) * max(0.0, box.bottom - box.top)


def _soft(frames: FrameChunk, sigma: float) -> NDArray[np.float32]:
    luma = (cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY).astype(np.float32) for frame in frames)
    return np.stack([cv2.GaussianBlur(it, (0, 0), sigma) if sigma else it for it in luma])


def _correlation(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    one, other = one - one.mean(), other - other.mean()
    scale = float(np.sqrt((one.astype(np.float64) ** 2).sum() * (other.astype(np.float64) ** 2).sum()))
    return float((one * other).sum()) / scale if scale else 0.0
