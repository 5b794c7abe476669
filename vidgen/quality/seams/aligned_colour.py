"""Flow-aligned ΔE: how far the colours of a frame are from those of the frame before, moved along with the motion.

ΔE is the distance in CIE L*a*b* (CIE76). Two numbers come of it: what all places share, which is a step of light or
tint, and what the places do not share, which is content that no motion explains.
"""

import numpy as np
from numpy.typing import NDArray

from vidgen.quality.seams.flow import carried
from vidgen.quality.seams.picture import Plane, length
from vidgen.quality.seams.robust import above_neighbours

REACH = (0, 0)
NEIGHBOURS = 3
FLOOR = 0.3
"""ΔE that noise leaves."""


def aligned_difference(earlier: Plane, later: Plane, flow: Plane) -> Plane:
    """`[h, w, 3]`: later minus earlier, in L*a*b*."""
    return later - carried(earlier, flow)


def shared_step(difference: Plane) -> NDArray[np.float64]:
    """The median change over all places, `[3]`: things that move cover fewer than half of them, a tint covers all."""
    return np.asarray(np.median(difference[::2, ::2].reshape(-1, 3), axis=0), np.float64)


def residual(difference: Plane, shared: NDArray[np.float64]) -> float:
    """Mean ΔE that is left once the shared step is taken away."""
    return float(length(difference - shared.astype(np.float32)).mean())


def residuals(lengths: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each step's residual against those of its neighbours: the faster the motion, the more of it is left over."""
    return above_neighbours(lengths, NEIGHBOURS, FLOOR)
