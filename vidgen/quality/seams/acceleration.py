"""Flow acceleration: how much the motion changes from one step to the next, followed along the motion.

A thing that goes on moving has none; a stutter, a reversal or a jump of the motion has more than the steps around it.
"""

import numpy as np
from numpy.typing import NDArray

from vidgen.quality.seams.flow import carried
from vidgen.quality.seams.picture import Plane, length
from vidgen.quality.seams.robust import above_neighbours

REACH = (1, 0)
"""Step `t` is measured from the motion of the steps `t - 1` and `t`."""

NEIGHBOURS = 6
FLOOR = 0.1
"""Pixels by which the flow of two steps differs through noise alone."""


def acceleration(before: Plane, now: Plane) -> float:
    """Mean length, in pixels of the measuring size, of the change from flow `before` to flow `now`."""
    return float(length(now - carried(before, now)).mean())


def accelerations(lengths: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each step's acceleration against those of its neighbours."""
    return above_neighbours(lengths, NEIGHBOURS, FLOOR)
