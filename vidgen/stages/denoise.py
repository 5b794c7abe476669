"""The denoise loop: noise to latents, one scheduler step at a time.

It reports progress, shows the denoised estimate, and can be cancelled before every step. It knows nothing of jobs.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from vidgen.components.guidance import GuidancePlan
from vidgen.components.rectified_flow import denoised_estimate
from vidgen.runtime.context import RunContext
from vidgen.spec import MemoryTier, Progress, Stage
from vidgen.spec.advanced import AdvancedFields
from vidgen.stages.conditioning import NOTHING, Acting, Conditioning, led_velocity
from vidgen.stages.encode_text import TextEmbeddings
from vidgen.stages.model import Scheduler, VideoModel
from vidgen.stages.preview import PreviewClock

SHARE_BEFORE, SHARE = 0.1, 0.7
"""The denoise loop's place on the progress bar: it starts at 0.1 and takes 0.7 of the run."""

Hold = Callable[[Tensor, float], Tensor]
"""Puts what is known of a clip into its latents at a noise level (0..1)."""


@dataclass(frozen=True, slots=True, eq=False)
class Blend:
    """Another prompt that counts too: by `weights` (0..1, `[1, 1, latent frames, 1, 1]`), the first one by the rest."""

    text: TextEmbeddings
    weights: Tensor


@dataclass(frozen=True, slots=True, eq=False)
class Guide:
    """What leads the predictions of a run's steps; with `blend` each costs a second prediction."""

    text: TextEmbeddings
    plan: GuidancePlan
    control: Conditioning | None = None
    blend: Blend | None = None
    batched: bool = True

    def velocity(self, model: VideoModel, latents: Tensor, timestep: Tensor, step: int, steps: int) -> Tensor:
        """The prediction for step `step` of `steps`, under what counts at that share of the run."""
        acting = NOTHING if self.control is None else self.control.at(step / steps)
        plan = self.plan.at(step, steps)

        def predicted(prompt: TextEmbeddings) -> Tensor:
            told = prompt if plan.acts(step, steps) else replace(prompt, negative=None)
            velocity = guided_velocity(model, latents, timestep, told, acting, plan, batched=self.batched)
            for part in prompt.parts:
                velocity = torch.lerp(velocity, predicted(part.text), part.weight * part.weights.to(velocity))
            return velocity

        velocity = predicted(self.text)
        if self.blend is None:
            return velocity
        return torch.lerp(velocity, predicted(self.blend.text), self.blend.weights.to(velocity))


def denoise(
    model: VideoModel,
    scheduler: Scheduler,
    latents: Tensor,
    text: TextEmbeddings,
    ctx: RunContext,
    *,
    guidance_scale: float,
    control: Conditioning | None = None,
    lead: Tensor | None = None,
    first_step: int = 0,
    hold: Hold | None = None,
    blend: Blend | None = None,
    share: tuple[float, float] = (SHARE_BEFORE, SHARE),
) -> Tensor:
    """Run the scheduler's steps from `first_step` on; `latents` must hold the noise level of that step.

    With guidance, the conditional and unconditional predictions are one batched pass, or two at the lower memory tier.
    `hold` is applied before every step and to the result; with `blend` each latent frame follows two prompts by its
    weights, at the cost of a second prediction. `lead` are noisy latent frames of the control's references: they go
    before those of the clip, and are left out of the result. `share` is where the steps begin on the progress bar and
    how much of it they take.
    Raises Cancelled within one step of a cancel.
    """
    latents = latents.to(model.device)
    if lead is not None:
        latents, hold, blend = _behind(lead, latents, hold, blend)
    sparing = ctx.memory_tier is MemoryTier.LOW
    previews = PreviewClock(model, silent=sparing)
    scheduler.set_begin_index(first_step)
    timesteps = scheduler.timesteps[first_step:]
    plan = guidance_plan(model.advanced, guidance_scale)
    guide = Guide(text, plan, control, blend, batched=not sparing)
    for done, timestep in enumerate(timesteps):
        ctx.checkpoint()
        sigma = float(scheduler.sigmas[first_step + done])
        latents = latents if hold is None else hold(latents, sigma)
        velocity = guide.velocity(model, latents, timestep, done, len(timesteps))
        preview = previews.maybe(lambda x=latents, v=velocity, s=sigma: _shown(denoised_estimate(x, v, s), lead))  # type: ignore[misc]
        latents = scheduler.step(velocity, timestep, latents, return_dict=False)[0]
        fraction = share[0] + share[1] * (done + 1) / len(timesteps)
        ctx.report(Progress(Stage.DENOISING, fraction, step=done + 1, total_steps=len(timesteps), preview=preview))
    return _shown(latents if hold is None else hold(latents, 0.0), lead)


def _behind(
    lead: Tensor, latents: Tensor, hold: Hold | None, blend: Blend | None
) -> tuple[Tensor, Hold | None, Blend | None]:
    """The latents after those in front, which no hold and no other prompt reaches."""
    count = lead.shape[2]
    front = lead.to(latents)

    def held(both: Tensor, sigma: float) -> Tensor:
        assert hold is not None
        return torch.cat([both[:, :, :count], hold(both[:, :, count:], sigma)], 2)

    if blend is not None:
        blend = replace(blend, weights=torch.cat([torch.zeros(1, 1, count, 1, 1), blend.weights], 2))
    return torch.cat([front, latents], 2), None if hold is None else held, blend


def _shown(latents: Tensor, lead: Tensor | None) -> Tensor:
    return latents if lead is None else latents[:, :, lead.shape[2] :]


def guided_velocity(
    model: VideoModel,
    latents: Tensor,
    timestep: Tensor,
    text: TextEmbeddings,
    control: Acting,
    plan: GuidancePlan,
    *,
    batched: bool,
) -> Tensor:
    """The prediction under guidance, conditional and unconditional in one pass (`batched`) or one after the other."""
    if text.negative is None:
        return led_velocity(model, latents, timestep[None], text.positive, control)
    if not batched:
        positive = led_velocity(model, latents, timestep[None], text.positive, control)
        negative = led_velocity(model, latents, timestep[None], text.negative, control)
        return plan.guided(positive, negative)
    both = led_velocity(
        model,
        latents.expand(2, -1, -1, -1, -1),
        timestep.expand(2),
        torch.cat([text.positive, text.negative]),
        control.expanded(2),
    )
    return plan.guided(both[:1], both[1:])


def guidance_plan(advanced: AdvancedFields, scale: float) -> GuidancePlan:
    """How guidance of that scale acts under these options."""
    begin, end = advanced.guidance_from or 0.0, advanced.guidance_until
    shape = advanced.guidance_schedule or "constant"
    return GuidancePlan(scale, advanced.guidance_rescale or 0.0, begin, 1.0 if end is None else end, shape)
