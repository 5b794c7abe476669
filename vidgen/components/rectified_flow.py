"""Rectified flow (Liu et al. 2022, arXiv:2209.03003): straight lines between data and noise.

`x_σ = (1 - σ)·x_0 + σ·ε` with velocity `v = ε - x_0`; σ runs from 1 (noise) to 0 (data).
"""

from torch import Tensor


def add_noise(data: Tensor, noise: Tensor, sigma: float) -> Tensor:
    """The point at noise level `sigma` (0..1) on the line from `data` to `noise`."""
    return (1.0 - sigma) * data + sigma * noise


def denoised_estimate(sample: Tensor, velocity: Tensor, sigma: float) -> Tensor:
    """The clip that the present velocity points to: `x_0 = x_σ - σ·v`."""
    return sample - sigma * velocity


def first_step(num_inference_steps: int, strength: float) -> int:
    """Index of the first denoising step for video-to-video (SDEdit, Meng et al. 2021, arXiv:2108.01073).

    `strength` 1 runs all steps from pure noise, 0 runs none.
    """
    return num_inference_steps - min(num_inference_steps, round(num_inference_steps * strength))
