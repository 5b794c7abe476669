"""The canvas that conditioning items paint on: known pixels, and a mask that says which are still to be made."""

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True, eq=False)
class Canvas:
    """`pixels` `[1, 3, frames, height, width]` in -1..1 (0 where unknown); `mask` `[1, 1, …]`: 0 keep, 1 make."""

    pixels: Tensor
    mask: Tensor

    @property
    def num_frames(self) -> int:
        return self.pixels.shape[2]


class ConditioningItem(Protocol):
    """One thing the user fixed about the clip."""

    def apply_to(self, canvas: Canvas) -> Canvas:
        """A new canvas with this item painted on it."""
        ...


def blank_canvas(num_frames: int, height: int, width: int) -> Canvas:
    """Nothing is known, everything is to be made."""
    return Canvas(pixels=torch.zeros(1, 3, num_frames, height, width), mask=torch.ones(1, 1, num_frames, height, width))
