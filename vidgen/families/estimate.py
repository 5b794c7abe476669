"""The clip that a sampler's last prediction points to, for previews, whatever the parametrisation."""

from collections.abc import Callable
from typing import Any

import diffusers
from torch import Tensor

from vidgen.components.prediction import Level, denoised, flow_level, variance_exploding, variance_preserving

VARIANCE_EXPLODING = (
    diffusers.EulerDiscreteScheduler,
    diffusers.EulerAncestralDiscreteScheduler,
    diffusers.LMSDiscreteScheduler,
    diffusers.HeunDiscreteScheduler,
)


class Watched:
    """Remembers what a scheduler was last given; the estimate is worked out only when somebody looks."""

    def __init__(self, scheduler: Any) -> None:
        self._scheduler = scheduler
        self._last: tuple[Tensor, Tensor, Level | None] | None = None
        self._step: Callable[..., Any] = scheduler.step
        scheduler.step = self._watch

    def _watch(self, *positional: Any, **named: Any) -> Any:
        if isinstance(self._scheduler, diffusers.CogVideoXDPMScheduler):
            output, _, timestep, _, sample = positional[:5]
        else:
            output, timestep, sample = positional[:3]
        self._last = (output, sample, level_of(self._scheduler, timestep))
        return self._step(*positional, **named)

    def estimate(self) -> Tensor | None:
        """None before the first step, and for samplers whose noise level is not known."""
        if self._last is None:
            return None
        output, sample, level = self._last
        return None if level is None else denoised(sample, output, level)


def level_of(scheduler: Any, timestep: Any) -> Level | None:
    """The noise level at a timestep of a diffusers scheduler; None where its latents run the other way."""
    config = scheduler.config
    if config.get("invert_sigmas"):
        return None
    if hasattr(scheduler, "alphas_cumprod") and not config.get("use_flow_sigmas"):
        prediction = config.get("prediction_type", "epsilon")
        if isinstance(scheduler, VARIANCE_EXPLODING):
            index = scheduler.step_index
            sigma = scheduler.sigmas[scheduler.index_for_timestep(timestep) if index is None else index]
            return variance_exploding(prediction, float(sigma))
        return variance_preserving(prediction, float(scheduler.alphas_cumprod[int(timestep)]))
    return flow_level(float(timestep) / config.num_train_timesteps)
