"""8-bit frames to the pixels a model takes."""

import torch
from einops import rearrange
from torch import Tensor

from vidgen.media.frames import FrameChunk


def to_pixels(frames: FrameChunk) -> Tensor:
    """`uint8 [t, h, w, 3]` to float32 `[1, 3, t, h, w]` in -1..1."""
    pixels: Tensor = rearrange(torch.from_numpy(frames).float() / 127.5 - 1.0, "t h w c -> 1 c t h w")
    return pixels
