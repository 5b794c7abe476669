"""Keeps colours from drifting: each window is drawn back to the levels of its shot's first window.

A channel's mean over a window says as much about what moved as about colour. What is compared instead is the median,
over all places of the picture, of how much the place has changed since the first window: things that move change fewer
than half of the places, drift changes them all.
"""

from torch import Tensor


def levels(latents: Tensor) -> Tensor:
    """The mean of each place over time, `[1, z, 1, h, w]`. A stream's first latent is unlike the others: left out."""
    later = latents[:, :, 1:] if latents.shape[2] > 1 else latents
    return later.mean(2, keepdim=True)


def drift(latents: Tensor, reference: Tensor) -> Tensor:
    """By how much each channel of `latents` has left `reference` (from `levels`), `[1, z, 1, 1, 1]`."""
    moved = latents - reference.to(latents)
    return moved.permute(0, 1, 3, 4, 2).flatten(2).median(2).values[..., None, None, None]


def anchored(latents: Tensor, reference: Tensor, strength: float, freedom: Tensor) -> Tensor:
    """`latents` with `strength` (0..1) of their drift taken back, on each frame as far as its `freedom` (0..1) says."""
    if strength == 0.0:
        return latents
    free = latents[:, :, freedom.flatten() > 0]
    if free.shape[2] == 0:
        return latents
    return latents - strength * freedom.to(latents) * drift(free, reference)
