"""Edges: white lines on black (Canny, 1986)."""

import cv2
import numpy as np

from vidgen.media.frames import FrameChunk

LOW, HIGH = 60, 150  # of the gradient's strength: where a line goes on, and where one begins


def canny(frames: FrameChunk, low: int = LOW, high: int = HIGH) -> FrameChunk:
    """The edges of each frame, `uint8 [frames, height, width, 3]`, 0 or 255."""
    edges = [cv2.Canny(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), low, high) for frame in frames]
    return np.repeat(np.stack(edges)[..., None], 3, axis=-1)
