"""How many pixels a picture has for the 64 units in which everything is laid out.

Places, cameras, grounds and masks are told in units: 64ths of the picture's side. At 64 pixels a unit is a pixel, and
nothing that is drawn changes by a bit for passing through here. Knows geometry alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

UNITS = 64
"""The side of every picture, in units."""
STEP = 16  # pixels that the autoencoder and the transformer's patches make into one token


@dataclass(frozen=True, slots=True)
class Canvas:
    """A square picture of `side` pixels. A unit's and a pixel's coordinates are those of its middle."""

    side: int = UNITS

    def __post_init__(self) -> None:
        if self.side % STEP or self.side < STEP:
            nearest = max(STEP, round(self.side / STEP) * STEP)
            raise ValueError(f"side={self.side}: a picture has a multiple of {STEP} pixels; nearest is {nearest}")

    @property
    def scale(self) -> float:
        """Pixels a unit."""
        return self.side / UNITS

    def pixels(self, units: float) -> int:
        """A length, in whole pixels."""
        return round(units * self.scale)

    def at(self, units: float) -> float:
        """A coordinate, in pixels."""
        return units * self.scale + (self.scale - 1) / 2

    def matrix(self, to_units: NDArray[np.float64]) -> NDArray[np.float64]:
        """3 x 3: to the picture's pixels, from whatever `to_units` leads from."""
        half = (self.scale - 1) / 2
        return np.array([[self.scale, 0, half], [0, self.scale, half], [0, 0, 1.0]]) @ to_units

    def warp(self, units: NDArray[np.float64]) -> NDArray[np.float64]:
        """3 x 3: the same as `units` says, from pixels to pixels."""
        half = (1 / self.scale - 1) / 2
        return self.matrix(units) @ np.array([[1 / self.scale, 0, half], [0, 1 / self.scale, half], [0, 0, 1.0]])


SMALL = Canvas()
"""The one on which a unit is a pixel."""
