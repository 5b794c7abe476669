"""Soft edges: how strongly brightness changes, at three sizes, white on black (as networks such as HED draw it)."""

import cv2
import numpy as np
from numpy.typing import NDArray

from vidgen.media.frames import FrameChunk

SIGMAS = (0.0, 1.0, 2.0)
FULL = 0.98
"""The share of pixels below full white."""


def soft_edge(frames: FrameChunk) -> FrameChunk:
    """`uint8 [frames, height, width, 3]`."""
    return np.stack([_drawn(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)) for frame in frames])


def _drawn(luma: NDArray[np.uint8]) -> NDArray[np.uint8]:
    plane = luma.astype(np.float32)
    strength = np.zeros_like(plane)
    for sigma in SIGMAS:
        smooth = cv2.GaussianBlur(plane, (0, 0), sigma) if sigma else plane
        across, down = cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1)
        strength += np.hypot(across, down)
    white = max(float(np.quantile(strength, FULL)), 1.0)
    drawn = np.clip(255 * strength / white, 0, 255).astype(np.uint8)
    return np.repeat(drawn[..., None], 3, axis=-1)
