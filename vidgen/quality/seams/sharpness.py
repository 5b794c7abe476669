"""Sharpness: the share of fine detail in a frame, and how it steps where blur sets in."""

import cv2
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

WINDOW = 3
"""Frames on either side that a step is taken between; a single frame's detail varies with motion blur."""

REACH = (WINDOW - 1, WINDOW - 1)
FLOOR = 1.0
"""Added to the variance, in squared grey levels: a flat frame is not infinitely blurred."""


def sharpness(frame: NDArray[np.uint8]) -> float:
    """Logarithm of the variance of the Laplacian (Pech-Pacheco et al. 2000) over that of the frame's grey levels."""
    grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY).astype(np.float32)
    detail = cv2.Laplacian(grey, cv2.CV_32F)
    return float(np.log((detail.var() + FLOOR) / (grey.var() + FLOOR)))


def sharpness_steps(levels: NDArray[np.float64]) -> NDArray[np.float64]:
    """For every step the distance of the medians of the frames before and after it; 0 near the ends of the clip."""
    steps = np.zeros(len(levels))
    if len(levels) >= 2 * WINDOW:
        medians = np.median(sliding_window_view(levels, WINDOW), axis=1)
        steps[WINDOW : len(levels) - WINDOW + 1] = np.abs(medians[WINDOW:] - medians[:-WINDOW])
    return steps
