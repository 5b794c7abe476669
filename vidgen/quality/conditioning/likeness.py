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

TURNS = 6
"""Hues on a circle: that of the picture, and those that it is compared with."""
PALEST = 8.0
"""Mean distance from grey in CIELAB below which a picture has no colours to speak of."""


def colour_likeness(frames: FrameChunk, picture: Frame) -> float:
    """The overlap of the histograms, 0..1, in the mean over the frames; 1 is the same colours in the same shares.

    Of subjects where they stand out from their ground, else of everything that is seen (`picture` is
    `uint8 [height, width, 3]`).
    """
    asked = _colours(picture)
    return float(np.mean([np.minimum(asked, _colours(frame)).sum() for frame in frames]))


def in_other_colours(picture: Frame) -> list[Frame]:
    """The picture with all hues turned by equal parts of a circle in CIELAB, its lightness as it was; none of one
    without colours."""
    lab = cv2.cvtColor(picture.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    if np.hypot(lab[..., 1], lab[..., 2])[_subject(picture)].mean() < PALEST:
        return []
    return [_turned(lab, 2 * np.pi * n / TURNS) for n in range(1, TURNS)]


def _turned(lab: NDArray[np.float32], angle: float) -> Frame:
    a, b = lab[..., 1], lab[..., 2]
    turned = np.stack([lab[..., 0], a * np.cos(angle) - b * np.sin(angle), a * np.sin(angle) + b * np.cos(angle)], 2)
    shown = cv2.cvtColor(turned.astype(np.float32), cv2.COLOR_LAB2RGB)
    return np.asarray(np.clip(np.rint(255 * shown), 0, 255), np.uint8)


def _subject(frame: Frame) -> NDArray[np.bool_]:
    """Where a frame's subject is; everywhere, where none stands out."""
    subject = subject_of(frame)
    return np.ones(frame.shape[:2], bool) if subject is None else np.asarray(subject > 0.5)


def _colours(frame: Frame) -> NDArray[np.float64]:
    """A histogram whose sum is 1."""
    lab = cv2.cvtColor(frame, cv2.COLOR_RGB2LAB)[_subject(frame)].reshape(-1, 3)
    counts, _ = np.histogramdd(lab, BINS, [(0, 256)] * 3)
    for axis in range(3):
        counts = _spread(counts, axis)
    return np.asarray(counts / counts.sum())


def _spread(counts: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    reach = np.arange(-2, 3)
    kernel = np.exp(-0.5 * (reach / SOFT) ** 2)
    return np.apply_along_axis(np.convolve, axis, counts, kernel / kernel.sum(), "same")
