"""Nearness as brightness: white is nearest, black farthest, as networks for depth (MiDaS and later) draw it."""

import numpy as np
from numpy.typing import NDArray

from vidgen.media.frames import FrameChunk


def depth(nearness: NDArray[np.float32]) -> FrameChunk:
    """`nearness` `[frames, height, width]`, 0 (farthest) to 1 (nearest): `uint8 [frames, height, width, 3]`."""
    levels = np.clip(nearness * 255 + 0.5, 0, 255).astype(np.uint8)
    return np.repeat(levels[..., None], 3, axis=-1)
