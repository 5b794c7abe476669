"""The canvas that conditioning items paint on: known pixels and a mask that says which are still to be made, control
layers beside them, the motion that is asked for, and reference pictures.

A canvas may be a piece of the clip: `first` is the frame of the clip that it begins with, `total` how many the clip
has. `around` says that the clip is a loop, in which frame `total` is frame 0 again.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vidgen.errors import SpecError
from vidgen.media.tensor import to_pixels
from vidgen.motion.controls.flow_colours import FULL_SPEED, flow_colours
from vidgen.motion.controls.layout import Box, layout

Field = NDArray[np.float32]
"""Motion `[frames, 2, height, width]` in pixels a frame, x to the right and y down; it leads to each frame."""
Track = tuple[Box | None, ...]


@dataclass(frozen=True, slots=True)
class Use:
    """How much a control counts, and in which share of the steps."""

    weight: float = 1.0
    start: float = 0.0
    end: float = 1.0


ALWAYS = Use()


@dataclass(frozen=True, slots=True, eq=False)
class ControlLayer:
    """A control video `[1, 3, frames, height, width]` in -1..1, as long as the canvas."""

    pixels: Tensor
    use: Use = ALWAYS


@dataclass(frozen=True, slots=True, eq=False)
class Canvas:
    """`pixels` `[1, 3, frames, height, width]` in -1..1 (0 where unknown); `mask` `[1, 1, …]`: 0 keep, 1 make.

    `flow` and `tracks` are asked for by motion items and become control layers. `strength` is how fast they go.
    """

    pixels: Tensor
    mask: Tensor
    first: int = 0
    total: int = 0
    around: bool = False
    layers: tuple[ControlLayer, ...] = ()
    flow: Field | None = None
    flow_use: Use = ALWAYS
    tracks: tuple[Track, ...] = ()
    references: tuple[Tensor, ...] = ()
    strength: float = 1.0

    @property
    def num_frames(self) -> int:
        return int(self.pixels.shape[2])

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return int(self.pixels.shape[3]), int(self.pixels.shape[4])

    @property
    def is_known(self) -> bool:
        """Whether any pixel is."""
        return not bool((self.mask > 0.5).all())

    def share(self, frame: float) -> float:
        """Of the clip's time, at a frame of this canvas; frames may lie a little beside it, or go around."""
        if self.around:
            return (self.first + frame) % self.total / self.total
        return min(1.0, max(0.0, (self.first + frame) / max(1, self.total - 1)))

    def shown(self, pixels: Tensor, begin: int) -> "Canvas":
        """With whole known frames `[1, 3, frames, …]` painted from frame `begin` of the clip on.

        Raises SpecError where a frame is taken.
        """
        low, high = max(begin, self.first), min(begin + pixels.shape[2], self.first + self.num_frames)
        if low >= high:
            return self
        place = slice(low - self.first, high - self.first)
        if float(self.mask[:, :, place].amin((0, 1, 3, 4)).min()) == 0.0:
            taken = next(n for n in range(low, high) if float(self.mask[:, :, n - self.first].min()) == 0.0)
            raise SpecError(f"frame {taken}: two conditions claim it; remove one", field="keyframes")
        painted, mask = self.pixels.clone(), self.mask.clone()
        painted[:, :, place] = pixels[:, :, low - begin : high - begin]
        mask[:, :, place] = 0.0
        return replace(self, pixels=painted, mask=mask)

    def led(self, pixels: Tensor, use: Use) -> "Canvas":
        """With another control layer."""
        return replace(self, layers=(*self.layers, ControlLayer(pixels, use)))

    def moved(self, flow: Field, use: Use | None = None) -> "Canvas":
        """With a motion asked for everywhere; items that come later change it in places."""
        return replace(self, flow=flow, flow_use=self.flow_use if use is None else use)

    def resting(self) -> Field:
        """The motion asked for so far, in an array of its own; none is rest."""
        if self.flow is not None:
            return self.flow.copy()
        return np.zeros((self.num_frames, 2, *self.size), np.float32)

    def control_layers(self, full_speed: float | None = None) -> tuple[ControlLayer, ...]:
        """All layers, the motion drawn. `full_speed` is that of full colour, in widths a frame; None: the fastest."""
        height, width = self.size
        drawn: list[ControlLayer] = []
        if self.flow is not None:
            speed = full_speed or fastest(self.flow) or FULL_SPEED
            drawn.append(ControlLayer(to_pixels(flow_colours(self.flow, speed)), self.flow_use))
        if self.tracks:
            drawn.append(ControlLayer(to_pixels(layout(self.tracks, height, width))))
        return (*self.layers, *drawn)

    def under(self, layer: ControlLayer) -> Tensor:
        """The canvas' pixels with a layer's where they are still to be made: how VACE is told of a control."""
        return torch.where(self.mask > 0.5, layer.pixels, self.pixels)


class ConditioningItem(Protocol):
    """One thing the user fixed about the clip."""

    def apply_to(self, canvas: Canvas) -> Canvas:
        """A new canvas with this item painted on it."""
        ...


def painted(items: Iterable[ConditioningItem], canvas: Canvas) -> Canvas:
    """The canvas with every item on it."""
    for item in items:
        canvas = item.apply_to(canvas)
    return canvas


def blank_canvas(
    num_frames: int, height: int, width: int, *, first: int = 0, total: int | None = None, around: bool = False
) -> Canvas:
    """Nothing is known, everything is to be made."""
    return Canvas(
        pixels=torch.zeros(1, 3, num_frames, height, width),
        mask=torch.ones(1, 1, num_frames, height, width),
        first=first,
        total=first + num_frames if total is None else total,
        around=around,
    )


def fastest(flow: Field) -> float:
    """In widths of the frame a frame."""
    return float(np.hypot(flow[:, 0], flow[:, 1]).max()) / int(flow.shape[-1])
