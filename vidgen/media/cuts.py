"""Tells a cut from fast motion, so that no interpolated frame ever mixes two shots.

Two neighbours of one shot show mostly the same things, only elsewhere; two shots do not. So two things are measured on
small copies of both frames: how far their colours differ, wherever they are, and how much of either frame is not found
again near its place in the other. Whip pans leave the colours alone and fades leave the places alone, so the score is
the geometric mean of the two. Looks at two frames at a time; knows nothing of files or networks.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

SIDE = 64  # the small copies are SIDE x SIDE
BLOCK = 8
REACH = 12  # blocks are sought so many small pixels away: a fifth of the frame
COLOURS = 6  # steps of each of red, green and blue
CONTRAST_FLOOR = 24.0  # grey levels: below it, noise and fades would count as contrast
# measured on a film and on its shots joined at random: `python -m training.evaluate_cuts`, docs/training.md
THRESHOLD = 0.45

Frame = NDArray[np.uint8]


def is_cut(before: Frame, after: Frame) -> bool:
    """Whether a new shot begins with `after`. Both are `uint8 [height, width, 3]`, RGB, of one shape."""
    return cut_score(before, after) > THRESHOLD


def cut_score(before: Frame, after: Frame) -> float:
    """How little two frames have in common, from 0 (nothing changed or only moved) to about 1 (two shots)."""
    if np.array_equal(before, after):
        return 0.0
    a, b = _small(before), _small(after)
    colours = 0.5 * float(np.abs(_histogram(a) - _histogram(b)).sum())
    contrast = max(float(a.std((0, 1)).mean()), float(b.std((0, 1)).mean()), CONTRAST_FLOOR)
    unexplained = 0.5 * (_not_found(a, b) + _not_found(b, a)) / contrast
    return float(np.sqrt(colours * min(unexplained, 1.0)))


def _small(frame: Frame) -> NDArray[np.float32]:
    return np.asarray(cv2.resize(frame, (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.float32)


def _histogram(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    """Share of the pixels of each of COLOURS³ colours."""
    counts = cv2.calcHist([picture], [0, 1, 2], None, [COLOURS] * 3, [0, 256] * 3)
    return np.asarray(counts, np.float32) / np.float32(SIDE * SIDE)


def _not_found(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    """Mean distance, in grey levels, of the blocks of `a` from what fits them best within REACH in `b`."""
    wide = cv2.copyMakeBorder(b, REACH, REACH, REACH, REACH, cv2.BORDER_REFLECT)
    window = BLOCK + 2 * REACH
    distances = []
    for y in range(0, SIDE, BLOCK):
        for x in range(0, SIDE, BLOCK):
            block = a[y : y + BLOCK, x : x + BLOCK]
            fits = cv2.matchTemplate(wide[y : y + window, x : x + window], block, cv2.TM_SQDIFF)
            distances.append(max(float(fits.min()), 0.0) / block.size)
    return float(np.sqrt(distances).mean())
