"""What is kept of a clip: a few numbers a frame. A minute at 24 frames a second is about a megabyte."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vidgen.quality.seams import acceleration, aligned_colour, flash, jump, sharpness

Numbers = NDArray[np.float64]

COLUMNS = ("colour", "residual", "acceleration", "level", "near", "far", "detail")

REACH = {
    "colour": aligned_colour.REACH,
    "residual": aligned_colour.REACH,
    "acceleration": acceleration.REACH,
    "jump": jump.REACH,
    "sharpness": sharpness.REACH,
    "flash": flash.FLASH_REACH,
    "frozen": flash.FROZEN_REACH,
}
"""The measures of a step, and from how many steps before and after its own each is made."""

RUN_UP = 3
"""Frames that must have been seen before a frame's numbers are what they would be in the whole clip."""


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """`rows` are `float64 [frames, len(COLUMNS)]`: what each frame is, and how the step to it was. `places` are
    `float32 [frames, 8, 8, 3]`, the mean colours that the drift is measured from.

    `level` is a frame's sharpness, `detail` the energy of its gradients; `near` and `far` are its distances from the
    frame before and the one before that.
    """

    rows: Numbers
    places: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.rows)

    def column(self, name: str) -> Numbers:
        return self.rows[:, COLUMNS.index(name)]

    def measure(self, name: str, usual: float) -> Numbers:
        """A measure of REACH by step; `usual` is what an interior step changes (see `flash.stillness`)."""
        match name:
            case "residual":
                return aligned_colour.residuals(self.column("residual"))
            case "acceleration":
                return acceleration.accelerations(self.column("acceleration"))
            case "jump":
                return jump.jumps(self.column("near"))
            case "sharpness":
                return sharpness.sharpness_steps(self.column("level"))
            case "flash":
                return flash.flashes(self.column("near"), self.column("far"))
            case "frozen":
                return flash.stillness(self.column("near"), usual)
            case _:
                return self.column(name)

    def __getitem__(self, frames: slice) -> "Series":
        return Series(self.rows[frames], self.places[frames])

    def __add__(self, later: "Series") -> "Series":
        """Frames that were measured elsewhere, after at least RUN_UP others that were left away."""
        return Series(np.concatenate([self.rows, later.rows]), np.concatenate([self.places, later.places]))
