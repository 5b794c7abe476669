"""Where a clip is joined. A step is named by the later of its two frames: step `t` leads from frame `t - 1` to `t`."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Joint:
    """One joint lies on the steps `first` to `last`, both included; blended joints spread over several.

    A `cut` is meant to be seen: it is not judged, and nothing is compared across it. `opens` says that a new look
    begins here (another prompt), or is still on its way: colours may change, and are compared with this chunk from
    here on.
    """

    first: int
    last: int
    cut: bool = False
    opens: bool = False

    def moved(self, frames: int) -> "Joint":
        """The same joint in a clip that begins `frames` earlier."""
        return replace(self, first=self.first + frames, last=self.last + frames)


def inside(length: int, joints: Sequence[Joint], reach: tuple[int, int]) -> NDArray[np.bool_]:
    """Which of the steps `0 … length - 1` are interior: what they are measured from touches no joint.

    A measure of step `t` is made from the steps `t - reach[0]` to `t + reach[1]`.
    """
    free = np.ones(length, bool)
    for joint in joints:
        free[max(0, joint.first - reach[1]) : joint.last + reach[0] + 1] = False
    return free


def touched(joint: Joint, length: int, reach: tuple[int, int]) -> slice:
    """The steps at which a measure sees the joint."""
    return slice(max(1, joint.first - reach[1]), min(length, joint.last + reach[0] + 1))
