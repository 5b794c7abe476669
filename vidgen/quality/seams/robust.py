"""How far a value lies outside of what a clip does anyway: medians, which a few wild steps do not move."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

SIGMA = 1.4826
"""The median absolute deviation of a normal distribution is its standard deviation divided by this."""


def robust_z(values: NDArray[np.float64], interior: NDArray[np.float64], floor: float) -> NDArray[np.float64]:
    """`(values - median) / scale` of the interior.

    `floor`, in the measure's own unit, is the least scale: where nothing moves the deviation is nothing, and any value
    at all would be infinitely far from it.
    """
    if len(interior) == 0:
        return values / floor
    median = np.median(interior)
    spread = SIGMA * np.median(np.abs(interior - median))
    return np.asarray((values - median) / max(float(spread), floor))


def above_neighbours(values: NDArray[np.float64], width: int, floor: float) -> NDArray[np.float64]:
    """By what factor, as a logarithm, each step exceeds the median of the `width` steps on either side of it.

    A shot has quiet and lively stretches, and what is much in the one is little in the other. `floor`, in the measure's
    unit, is added to both: next to nothing a little is not a lot. Step 0, which no step is, counts for nothing.
    """
    found = np.zeros(len(values))
    if len(values) > 2:
        padded = np.pad(values[1:], width, constant_values=np.nan)
        beside = np.delete(sliding_window_view(padded, 2 * width + 1), width, axis=1)
        found[1:] = np.log((values[1:] + floor) / (np.nanmedian(beside, axis=1) + floor))
    return found
