"""What can be done about a joint that shows: match the colours, blend over more frames, make the chunk again."""

import hashlib
from dataclasses import replace

import torch
from torch import Tensor

from vidgen.longvideo.anchor import drift
from vidgen.longvideo.joint import firmness
from vidgen.longvideo.planner import Window

NUMBERS_APART = 2_000
"""Further attempts at chunk n are stored as chunks n + 2000, n + 4000, …; no clip has as many chunks."""


def attempt_number(n: int, attempt: int) -> int:
    """Under which number attempt `attempt` (0 is the first) at chunk `n` is stored."""
    return n + NUMBERS_APART * attempt


def derived_seed(seed: int, n: int, reroll: int) -> int:
    """The seed of the chunk's `reroll`-th other take (from 1): a function of the clip's seed, in the seeds' range."""
    digest = hashlib.sha256(f"{seed}/{n}/reroll/{reroll}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def colour_matched(latents: Tensor, head: int) -> Tensor:
    """The window with its new latent frames moved by what all places have changed since the last carried one.

    The carried latent that is wholly the chunk's before stays; shared ones move as far as they are free.
    """
    freedom = torch.ones(latents.shape[2])
    freedom[:head] = 1 - firmness(head)
    step = drift(latents[:, :, head : head + 1], latents[:, :, :1])
    return latents - freedom.view(1, 1, -1, 1, 1).to(latents) * step


def wider(window: Window, before: Window, longest: int) -> Window | None:
    """The window joined over one more latent frame of the one before; None when that one or the model has no room."""
    start = window.start - 1
    if start < before.start + 1 or window.length >= longest:
        return None
    return replace(window, start=start, head=window.head + 1)
