"""DPM-Solver++(2S) with ancestral noise: a step of second order down to a lower level, and noise back up to the next.

The solver is that of Lu et al. 2022 (arXiv:2211.01095, algorithm 1); ancestral levels as in Song et al. 2020
(arXiv:2011.13456). Diffusers has the levels and the middle points, in its scheduler of DPM2 steps, but not this step.
"""

from typing import Any

from diffusers import KDPM2AncestralDiscreteScheduler
from diffusers.schedulers.scheduling_k_dpm_2_ancestral_discrete import KDPM2AncestralDiscreteSchedulerOutput as Output
from diffusers.utils.torch_utils import randn_tensor
from torch import Tensor


class Dpm2sAncestralScheduler(KDPM2AncestralDiscreteScheduler):  # type: ignore[misc]
    """For networks that predict noise or v. Every second call finishes the step that the call before began."""

    sample: Any
    """Where the step that is under way began; None between steps."""

    def step(
        self, model_output: Tensor, timestep: Any, sample: Tensor, generator: Any = None, return_dict: bool = True
    ) -> Any:
        """To the middle point first, then from where the step began with the clip that the network saw in between."""
        if self.state_in_first_order:
            return super().step(model_output, timestep, sample, generator, return_dict)
        at, began = self.step_index - 1, self.sample
        middle, down, sigma = self.sigmas_interpol[at], self.sigmas_down[at], self.sigmas[at]
        clean = self._clean(model_output, sample, middle)
        noise = randn_tensor(sample.shape, generator=generator, device=sample.device, dtype=sample.dtype)
        after = down / sigma * began + (1 - down / sigma) * clean + self.sigmas_up[at] * noise
        self.sample = None
        self._step_index += 1
        return Output(prev_sample=after, pred_original_sample=clean) if return_dict else (after, clean)

    def _clean(self, output: Tensor, sample: Tensor, sigma: Tensor) -> Tensor:
        if self.config.prediction_type == "epsilon":
            return sample - sigma * output
        return sample / (sigma**2 + 1) - output * sigma / (sigma**2 + 1) ** 0.5
