"""Drift: how far the colours of a chunk have left those of the first one.

Compared are the mean colours of each place of a coarse grid over time. What counts is the median change over all
places, so that a thing that moves or grows does not count.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from vidgen.quality.seams.joints import Joint
from vidgen.quality.seams.picture import Plane

GRID = 8


def places(lab: Plane) -> Plane:
    """`[GRID, GRID, 3]`: the mean colour of each place."""
    return np.asarray(cv2.resize(lab, (GRID, GRID), interpolation=cv2.INTER_AREA))


def drift(levels: Plane, reference: Plane) -> float:
    """ΔE of the median change from `reference`; both `[GRID, GRID, 3]`."""
    return float(np.linalg.norm(np.median((levels - reference).reshape(-1, 3), axis=0)))


def drifts(frames: NDArray[np.float32], joints: Sequence[Joint]) -> list[float]:
    """For every joint how far the chunk that begins there has left the first one of its look; 0 where one begins.

    `frames` are the places of every frame, `[frames, GRID, GRID, 3]`.
    """
    if not joints:
        return []
    found, reference = [], frames[: joints[0].first].mean(0)
    for joint, after in zip(joints, [*joints[1:], None], strict=True):
        # joints of windows that share much overlap: then the chunk is the one frame between them
        chunk = frames[joint.last : max(after.first, joint.last + 1) if after else None].mean(0)
        if joint.cut or joint.opens:
            reference = chunk
        found.append(drift(chunk, reference))
    return found
