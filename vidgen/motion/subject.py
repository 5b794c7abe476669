"""What of a frame is its subject, without a network: what differs from the colours along the frame's edges.

That finds one subject on a ground that is plain or changes slowly, and says so where there is none.
"""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from vidgen.media.frames import FrameChunk
from vidgen.motion.controls.layout import Box

Frame = NDArray[np.uint8]
Plane = NDArray[np.float32]
MARGIN = 24.0
"""CIE76 ΔE from the ground: what is farther is subject."""
SMALLEST, LARGEST = 0.004, 0.85
"""Shares of the frame that a subject covers."""
AT_EDGE = 0.35
"""The share of the frame's edge from which on it is the ground that differs there, as one full of things does."""


def subject_of(frame: Frame) -> Plane | None:
    """`[height, width]`, 1 on the subject (`frame` is `uint8 [height, width, 3]`); None where none is found."""
    lab = cv2.cvtColor(frame.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    away = np.linalg.norm(lab - _ground(lab), axis=2)
    if float(np.median(_rim(away))) > MARGIN / 2:
        return None
    far = (away > MARGIN).astype(np.uint8)
    far = cv2.morphologyEx(far, cv2.MORPH_OPEN, np.ones((2, 2), np.uint8))
    count, labels, facts, _ = cv2.connectedComponentsWithStats(far)
    if count < 2:
        return None
    areas = facts[1:, cv2.CC_STAT_AREA]
    # parts of a subject lie apart now and then; crumbs are noise
    parts = 1 + np.flatnonzero(areas >= max(SMALLEST * far.size, 0.15 * areas.max()))
    found = np.isin(labels, parts)
    stands_out = SMALLEST < found.mean() < LARGEST and _rim(found).mean() < AT_EDGE
    return found.astype(np.float32) if stands_out else None


def box_of(subject: Plane) -> Box:
    """The box around it, in shares of the frame."""
    rows, columns = np.nonzero(subject > 0.5)
    height, width = subject.shape
    return Box(columns.min() / width, rows.min() / height, (columns.max() + 1) / width, (rows.max() + 1) / height)


def boxes_of(frames: FrameChunk) -> list[Box | None]:
    """The subject's box in every frame."""
    return [None if (found := subject_of(frame)) is None else box_of(found) for frame in frames]


def middle(box: Box) -> tuple[float, float]:
    return (box.left + box.right) / 2, (box.top + box.bottom) / 2


def _rim(plane: NDArray[Any]) -> NDArray[Any]:
    """What lies along the frame's edges."""
    return np.concatenate([plane[0], plane[-1], plane[:, 0], plane[:, -1]])


def _ground(lab: NDArray[np.float32]) -> NDArray[np.float32]:
    """The colours along the edges, led evenly across the frame: a plane fitted to them, by channel."""
    height, width = lab.shape[:2]
    y, x = np.mgrid[0:height, 0:width] / max(height, width)
    edge = np.zeros((height, width), bool)
    rim = max(1, min(height, width) // 20)
    edge[:rim], edge[-rim:], edge[:, :rim], edge[:, -rim:] = True, True, True, True
    terms = np.stack([np.ones_like(x), x, y], axis=-1)
    inside, colours = terms[edge], lab[edge]
    weights = np.ones(len(inside))
    for _ in range(4):
        # a subject that touches the edge is an outlier there
        fit = np.linalg.lstsq(inside * weights[:, None], colours * weights[:, None], rcond=None)[0]
        weights = 1 / np.maximum(1.0, np.linalg.norm(colours - inside @ fit, axis=1) / 4)
    return np.asarray(terms @ fit, np.float32)
