"""How a window joins its neighbours: the latents they share are held at every denoising step, more firmly the nearer
they lie to the neighbour's own frames. Pure mathematics on latents `[1, z, frames, h, w]`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from vidgen.components.rectified_flow import add_noise


def firmness(shared: int) -> Tensor:
    """How firmly each of `shared` latent frames is held, the neighbour's side first: from 1 down along a cosine."""
    return (1 + torch.cos(torch.arange(shared) * torch.pi / max(shared, 1))) / 2


@dataclass(frozen=True, slots=True, eq=False)
class Joint:
    """A `Hold` for `denoise`: draws the shared latents towards the carried ones, noised to the step's level.

    `carried` has the window's length (anything where nothing is shared), `weights` `[1, 1, frames, 1, 1]` is 1 where
    the carried latents are kept as they are and 0 where the window is free, `noise` is the window's own.
    """

    carried: Tensor
    weights: Tensor
    noise: Tensor

    @classmethod
    def of(
        cls, head: Tensor | None, tail: Tensor | None, noise: Tensor, pins: Mapping[int, Tensor] | None = None
    ) -> "Joint":
        """`head` are latents that the window before shares, `tail` those of the window after.

        `pins` are single latent frames by their places in the window, which are held wholly.
        """
        carried, weights = torch.zeros_like(noise), torch.zeros(noise.shape[2])
        if tail is not None:
            carried[:, :, -tail.shape[2] :] = tail.to(noise)
            weights[-tail.shape[2] :] = firmness(tail.shape[2]).flip(0)
        if head is not None:
            carried[:, :, : head.shape[2]] = head.to(noise)
            weights[: head.shape[2]] = firmness(head.shape[2])
        for place, part in (pins or {}).items():
            carried[:, :, place : place + 1], weights[place] = part.to(noise), 1.0
        return cls(carried, weights.view(1, 1, -1, 1, 1).to(noise.device), noise)

    @property
    def holds(self) -> bool:
        """Whether there is anything to hold."""
        return bool(self.weights.any())

    def __call__(self, latents: Tensor, sigma: float) -> Tensor:
        return torch.lerp(latents, add_noise(self.carried, self.noise, sigma), self.weights)
