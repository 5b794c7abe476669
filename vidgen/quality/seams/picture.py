"""A frame as the measures see it: one size for all clips, so that one set of thresholds serves them all."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

SIDE = 96
"""Longer side in pixels at which motion and colour are measured; flow is in these pixels."""

Plane = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """`grey` is `uint8 [h, w]` and `lab` `float32 [h, w, 3]` (CIE L*a*b*, D65) at the measuring size.

    `sharpness` is measured on the frame as it came: blur does not survive a change of size.
    """

    grey: NDArray[np.uint8]
    lab: Plane
    sharpness: float


def picture_of(frame: NDArray[np.uint8]) -> Picture:
    """`frame` is `uint8 [height, width, 3]`, RGB."""
    from vidgen.quality.seams.sharpness import sharpness

    small = _resized(frame)
    lab = cv2.cvtColor(small.astype(np.float32) / 255.0, cv2.COLOR_RGB2LAB)
    return Picture(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), lab, sharpness(frame))


def length(vectors: Plane) -> Plane:
    """Euclidean length along the last axis; several times faster than the general norm."""
    return np.asarray(np.sqrt(np.einsum("...i,...i->...", vectors, vectors)))


def _resized(frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width = frame.shape[:2]
    scale = SIDE / max(height, width)
    size = (max(16, round(width * scale)), max(16, round(height * scale)))
    shrinking = scale < 1
    return np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA if shrinking else cv2.INTER_LINEAR))
