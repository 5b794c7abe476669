"""Jump: a step that changes the picture more than the steps around it, as where frames are missing."""

import numpy as np
from numpy.typing import NDArray

from vidgen.quality.seams.robust import above_neighbours

REACH = (0, 0)
NEIGHBOURS = 3
FLOOR = 0.3
"""ΔE of two frames that differ by noise alone."""


def jumps(near: NDArray[np.float64]) -> NDArray[np.float64]:
    """`near` are the raw differences of each frame from the one before, in ΔE."""
    return above_neighbours(near, NEIGHBOURS, FLOOR)
