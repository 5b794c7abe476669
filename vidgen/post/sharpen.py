"""Edge-aware sharpening: the fine layer of luminance, lifted.

The layer is what a guided filter leaves (He, Sun, Tang, "Guided Image Filtering", 2013), which does not smooth across
edges, so no halo is lifted with it. Variations as small as noise are left as they are, and no pixel is pushed beyond
what its neighbourhood shows.
"""

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from vidgen.media.frames import FrameChunk
from vidgen.post.transparency import Frame, on_colours
from vidgen.spec.post import Sharpen

Plane = NDArray[np.float32]
WEIGHTS = np.array([0.299, 0.587, 0.114], np.float32)
EDGE = (0.12 * 255) ** 2
"""Variance from which on a neighbourhood counts as an edge and not as texture."""
NOISE = 2.0
OVERSHOOT = 4.0


class Sharpener:
    """Frame by frame; nothing is carried from one to the next."""

    def __init__(self, step: Sharpen) -> None:
        self._amount, self._side = step.amount, 2 * step.radius + 1

    def through(self, chunks: Iterator[FrameChunk]) -> Iterator[FrameChunk]:
        return on_colours(self._frame, chunks)

    def _frame(self, frame: Frame) -> Frame:
        grey: Plane = frame.astype(np.float32) @ WEIGHTS
        detail = grey - self._base(grey)
        # small variations shrink to nothing, larger ones keep their size but for NOISE
        lifted = np.sign(detail) * np.maximum(np.abs(detail) - NOISE, 0)
        kernel = np.ones((self._side, self._side), np.uint8)
        low, high = cv2.erode(grey, kernel) - OVERSHOOT, cv2.dilate(grey, kernel) + OVERSHOOT
        change = np.clip(grey + self._amount * lifted, low, high) - grey
        sharp: Frame = np.clip(np.rint(frame + change[..., None]), 0, 255).astype(np.uint8)
        return sharp

    def _base(self, grey: Plane) -> Plane:
        """The picture without its fine layer."""
        mean, square = self._box(grey), self._box(grey * grey)
        variance = np.maximum(square - mean * mean, np.float32(0))
        slope: Plane = (variance / (variance + EDGE)).astype(np.float32)
        return self._box(slope) * grey + self._box(mean - slope * mean)

    def _box(self, plane: Plane) -> Plane:
        return np.asarray(cv2.blur(plane, (self._side, self._side), borderType=cv2.BORDER_REFLECT), np.float32)
