"""Ghosts: two pictures seen through each other, as where one piece of a clip fades into another.

Gradients mix as pictures do. Where two pictures have nothing to do with each other, the energy of the mixture's
gradients is the sum of both, each times the square of its share: half of it in the middle. It is the dip that dissolves
are found by in the variance (Alattar 1993, "Detecting and compressing dissolve regions"); gradients leave out the
ground that both share. A thing that moves on keeps its edges.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from vidgen.quality.seams.joints import Joint
from vidgen.quality.seams.picture import Plane

BESIDE = 4
"""Frames on either side of a joint whose detail counts, as a median."""
FLOOR = 0.5
"""Added to the energy, in squared ΔE: a picture without edges hides nothing."""


def detail(lab: Plane) -> float:
    """Mean energy of the gradients of a picture `[h, w, 3]` in L*a*b*."""
    across, down = cv2.Sobel(lab, -1, 1, 0), cv2.Sobel(lab, -1, 0, 1)
    return float((np.einsum("...i,...i->...", across, across) + np.einsum("...i,...i->...", down, down)).mean())


def ghosts(levels: NDArray[np.float64], joints: Sequence[Joint]) -> list[float]:
    """For every joint how far the detail in it lies below that on its poorer side, as a logarithm: 0.69 is half.

    `levels` are the details of all frames. A joint of one step has no frame in between, and cannot hide one.
    """
    return [_dip(levels, joint) for joint in joints]


def _dip(levels: NDArray[np.float64], joint: Joint) -> float:
    within = levels[joint.first : joint.last]
    before, after = levels[max(0, joint.first - BESIDE) : joint.first], levels[joint.last : joint.last + BESIDE]
    if not (len(within) and len(before) and len(after)):
        return 0.0
    outer = len(within) // 4
    middle = within[outer : len(within) - outer].mean()
    return float(np.log((min(np.median(before), np.median(after)) + FLOOR) / (middle + FLOOR)))
