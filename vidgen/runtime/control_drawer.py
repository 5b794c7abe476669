"""What draws a control that takes a network: frames in, the control of each out."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from vidgen.spec.conditioning.control import ControlKind

Frame = NDArray[np.uint8]


class ControlDrawer(Protocol):
    """`name` says by content which network it is."""

    @property
    def name(self) -> str: ...

    def drawn(self, frames: Iterable[Frame], smoothing: float) -> Iterator[Frame]:
        """The control of each frame, both `uint8 [height, width, 3]`; `smoothing` (0..1) is over time."""
        ...


Drawers = Mapping[ControlKind, Callable[[], ControlDrawer]]
"""By kind; each is read when it is called for."""
