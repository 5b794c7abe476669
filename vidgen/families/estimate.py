"""The clip that a sampler's last prediction points to, for previews, whatever the parametrisation."""

from functools import wraps
from typing import Any

import diffusers
from torch import Tensor

from vidgen.components.prediction import Level, denoised, flow_level, variance_exploding, variance_preserving
from vidgen_models.ancestral import Dpm2sAncestralScheduler

VARIANCE_EXPLODING = (
    diffusers.EulerDiscreteScheduler,
    diffusers.EulerAncestralDiscreteScheduler,
    diffusers.LMSDiscreteScheduler,
    diffusers.HeunDiscreteScheduler,
    Dpm2sAncestralScheduler,
)


class Watched:
    """Remembers what a scheduler was last given; the estimate is worked out only when somebody looks."""

    def __init__(self, scheduler: Any) -> None:
        self._last: tuple[Tensor, Tensor, Level | None] | None = None
        step = scheduler.step

        # wrapped, because pipelines ask its signature whether it takes a generator
        @wraps(step)
        def watched(*positional: Any, **named: Any) -> Any:
            if isinstance(scheduler, diffusers.CogVideoXDPMScheduler):
                output, _, timestep, _, sample = positional[:5]
            else:
                output, timestep, sample = positional[:3]
            # a level of its own for every token has no one estimate
            level = None if "per_token_timesteps" in named else level_of(scheduler, timestep)
            self._last = (output, sample, level)
            return step(*positional, **named)

        scheduler.step = watched

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
            if isinstance(scheduler, Dpm2sAncestralScheduler) and not scheduler.state_in_first_order:
                return variance_exploding(prediction, float(scheduler.sigmas_interpol[scheduler.step_index - 1]))
            index = scheduler.step_index
            sigma = scheduler.sigmas[scheduler.index_for_timestep(timestep) if index is None else index]
            return variance_exploding(prediction, float(sigma))
        return variance_preserving(prediction, float(scheduler.alphas_cumprod[int(timestep)]))
    return flow_level(float(timestep) / config.num_train_timesteps)
