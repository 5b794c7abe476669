"""Single frames that do not belong, and frames that repeat.

Both are measured on raw differences of small pictures, in ΔE; motion adds to the distance of the outer two of three
frames, a flash does not.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from vidgen.quality.seams.picture import Plane, length

FLASH_REACH, FROZEN_REACH = (0, 1), (0, 0)
GRID = 32
STILL = 0.05
"""ΔE between two frames below which nothing is said to have moved; a still clip is not frozen."""


def small(lab: Plane) -> Plane:
    """The picture at GRID pixels a side."""
    return np.asarray(cv2.resize(lab, (GRID, GRID), interpolation=cv2.INTER_AREA))


def distance(one: Plane, other: Plane) -> float:
    """Mean ΔE of two small pictures."""
    return float(length(one - other).mean())


def flashes(near: NDArray[np.float64], far: NDArray[np.float64]) -> NDArray[np.float64]:
    """`near[t]` is the distance of frames t - 1 and t, `far[t]` that of t - 2 and t. By how much frame `t` is farther
    from both its neighbours than they are from each other; 0 where it is not."""
    score = np.zeros(len(near))
    score[1:-1] = np.maximum(0, np.minimum(near[1:-1], near[2:]) - far[2:])
    return score


def stillness(near: NDArray[np.float64], usual: float) -> NDArray[np.float64]:
    """How many times less than `usual` a step changes the picture, as a logarithm; 0 where it changes as much."""
    return np.maximum(0, np.log((usual + STILL) / (near + STILL)))
