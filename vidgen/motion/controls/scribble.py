"""Scribbles: the few strong contours of a frame as thick white strokes on black."""

import cv2
import numpy as np
from numpy.typing import NDArray

from vidgen.media.frames import FrameChunk

STROKE = 1 / 40  # of the frame's shorter side
LOW, HIGH = 50, 120


def scribble(frames: FrameChunk) -> FrameChunk:
    """`uint8 [frames, height, width, 3]`, 0 or 255."""
    return np.stack([_drawn(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)) for frame in frames])


def _drawn(luma: NDArray[np.uint8]) -> NDArray[np.uint8]:
    # detail is smoothed away before contours are looked for, as a hand leaves it out
    smooth = cv2.bilateralFilter(luma, 5, 60, 3)
    width = max(2, round(STROKE * min(luma.shape)))
    brush = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width))
    strokes = cv2.dilate(cv2.Canny(smooth, LOW, HIGH), brush)
    return np.repeat(strokes[..., None], 3, axis=-1)
