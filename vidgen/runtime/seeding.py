"""Noise as a function of (seed, chunk, frame), so that a resumed or retaken chunk gets the very same numbers."""

import hashlib

import torch
from torch import Tensor


def frame_noise(seed: int, chunk: int, shape: tuple[int, int, int, int], use: str = "") -> Tensor:
    """Standard normal noise `[1, channels, latent_frames, height, width]`, drawn on the CPU frame by frame.

    Each latent frame has its own generator, so frame n is the same whatever the length of the clip or the device.
    Another `use` of noise in the same chunk gets other numbers.
    """
    channels, frames, height, width = shape
    size = (channels, height, width)
    return torch.stack([_one_frame(f"{seed}/{chunk}/{frame}{use}", size) for frame in range(frames)], 1)[None]


def _one_frame(key: str, shape: tuple[int, ...]) -> Tensor:
    digest = hashlib.sha256(key.encode()).digest()
    generator = torch.Generator("cpu").manual_seed(int.from_bytes(digest[:8], "little", signed=True))
    return torch.randn(shape, generator=generator)
