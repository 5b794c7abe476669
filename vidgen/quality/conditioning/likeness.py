"""How far a clip has taken over a reference picture: the colours of what each shows, beside each other."""

import cv2
import numpy as np
from numpy.typing import NDArray

from vidgen.media.frames import FrameChunk
from vidgen.motion.subject import subject_of

Frame = NDArray[np.uint8]
BINS = (6, 12, 12)
"""Of lightness and of both axes of colour in CIELAB: shade counts less than hue."""
SOFT = 1.0
"""Bins over which a colour is spread, so that a slightly other one is not wholly other."""


def colour_likeness(frames: FrameChunk, picture: Frame) -> float:
    """The overlap of the histograms, 0..1, in the mean over the frames; 1 is the same colours in the same shares.

    Of subjects where they stand out from their ground, else of everything that is seen (`picture` is
    `uint8 [height, width, 3]`).
    """
    asked = _colours(picture)
    return float(np.mean([np.minimum(asked, _colours(frame)).sum() for frame in frames]))


def _colours(frame: Frame) -> NDArray[np.float64]:
    """A histogram whose sum is 1."""
    subject = subject_of(frame)
    within = np.ones(frame.shape[:2], bool) if subject is None else subject > 0.5
    lab = cv2.cvtColor(frame, cv2.COLOR_RGB2LAB)[within].reshape(-1, 3)
    counts, _ = np.histogramdd(lab, BINS, [(0, 256)] * 3)
    for axis in range(3):
        counts = _spread(counts, axis)
    return np.asarray(counts / counts.sum())


def _spread(counts: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    reach = np.arange(-2, 3)
    kernel = np.exp(-0.5 * (reach / SOFT) ** 2)
    return np.apply_along_axis(np.convolve, axis, counts, kernel / kernel.sum(), "same")
