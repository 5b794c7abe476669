"""A part of a source clip that is made anew; all around it the source is known."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from vidgen.media.frames import FrameChunk
from vidgen.media.tensor import to_pixels
from vidgen.motion.canvas import Canvas

Plane = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """Both read frames of the clip by first and count: `source` `uint8 [count, height, width, 3]`, `mask` float32
    `[count, height, width]`, above a half where the clip is made anew."""

    source: Callable[[int, int], FrameChunk]
    mask: Callable[[int, int], Plane]

    def apply_to(self, canvas: Canvas) -> Canvas:
        """Nothing of the source lies under the mask: what is to be made is not told."""
        made = torch.from_numpy(self.mask(canvas.first, canvas.num_frames) > 0.5)[None, None]
        known = to_pixels(self.source(canvas.first, canvas.num_frames))
        mask = torch.where(made, canvas.mask, torch.zeros(()))
        return replace(canvas, pixels=torch.where(made, canvas.pixels, known), mask=mask)
