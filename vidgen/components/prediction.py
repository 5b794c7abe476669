"""What a network's output means: noise, clip, v or flow velocity, at a level `x = α·x_0 + σ·ε`.

Noise and sample: Ho et al. 2020 (arXiv:2006.11239). v: Salimans & Ho 2022 (arXiv:2202.00512), `v = α·ε - σ·x_0`.
Flow: Liu et al. 2022 (arXiv:2209.03003), `v = ε - x_0` with `α = 1 - σ`.
"""

from dataclasses import dataclass
from typing import Literal

from torch import Tensor

Prediction = Literal["epsilon", "sample", "v_prediction", "flow_prediction"]
PREDICTIONS: tuple[Prediction, ...] = ("epsilon", "sample", "v_prediction", "flow_prediction")


@dataclass(frozen=True, slots=True)
class Level:
    """A noise level of a sampler's latents, which are `scale` times too large for `α² + σ² = 1` (or `α + σ = 1`)."""

    prediction: Prediction
    alpha: float
    sigma: float
    scale: float = 1.0


def flow_level(sigma: float) -> Level:
    return Level("flow_prediction", 1.0 - sigma, sigma)


def variance_preserving(prediction: Prediction, alpha_cumprod: float) -> Level:
    """The level of DDPM's schedule: `α² = ᾱ`, `σ² = 1 - ᾱ`."""
    return Level(prediction, alpha_cumprod**0.5, (1.0 - alpha_cumprod) ** 0.5)


def variance_exploding(prediction: Prediction, sigma: float) -> Level:
    """The level of samplers that keep `x = x_0 + σ·ε` (Karras et al. 2022, arXiv:2206.00364)."""
    scale = (1.0 + sigma**2) ** 0.5
    return Level(prediction, 1.0 / scale, sigma / scale, scale)


def denoised(sample: Tensor, output: Tensor, level: Level) -> Tensor:
    """`x_0` as the network's `output` for `sample` says it."""
    x, alpha, sigma = sample / level.scale, level.alpha, level.sigma
    if level.prediction == "sample":
        return output
    if level.prediction == "epsilon":
        return (x - sigma * output) / alpha
    if level.prediction == "v_prediction":
        return alpha * x - sigma * output
    return x - sigma * output
