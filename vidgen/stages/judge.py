"""How well a prompt, or pictures, explain finished latents: the model is the judge of its own clip.

Of two conditions, that one explains latents better under which the noise put on them is predicted better (Li et al.
2023, arXiv:2303.16203). It knows neither frames nor what a user asked for.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from vidgen.components.rectified_flow import add_noise
from vidgen.runtime.verdict import DRAWS, LEVELS, Errors
from vidgen.stages.conditioning import NOTHING, Conditioning, led_velocity
from vidgen.stages.model import VideoModel

SCHEDULE = 100
"""Steps of the schedule that levels are taken from."""

Noise = Callable[[int, tuple[int, int, int, int]], Tensor]
"""Standard normal noise of a draw, `[1, z, frames, h, w]`."""


@dataclass(frozen=True, slots=True, eq=False)
class Judge:
    """Looks at the finished `latents` of a window, `[1, z, frames, h, w]`. Raises what `checkpoint` raises, before
    every prediction."""

    model: VideoModel
    latents: Tensor
    noise: Noise
    checkpoint: Callable[[], None]

    def errors(self, text: Tensor, control: Conditioning | None) -> Tensor:
        """`[frames, h, w]`: the squared errors of the predictions under a text and a control, over draws and levels."""
        shown = None if control is None else control.shown
        clean = self.latents.to(self.model.device)
        whole = clean if shown is None else torch.cat([shown.to(clean), clean], 2)
        lead = whole.shape[2] - clean.shape[2]
        found = torch.zeros_like(clean[0, 0])
        for draw in range(DRAWS):
            noise = self.noise(draw, (whole.shape[1], *whole.shape[2:])).to(whole)
            for level in LEVELS:
                predicted = self._predicted(whole, noise, level, text, control)
                found += ((predicted - (noise - whole)) ** 2).sum(1)[0, lead:]
        return found

    def _predicted(
        self, clean: Tensor, noise: Tensor, level: float, text: Tensor, control: Conditioning | None
    ) -> Tensor:
        """The prediction at the schedule's step next to a noise level (0..1), under what counts at that step."""
        self.checkpoint()
        scheduler = self.model.scheduler(SCHEDULE)
        steps = len(scheduler.timesteps)
        sigmas = [float(sigma) for sigma in scheduler.sigmas[:steps]]
        step = min(range(steps), key=lambda n: abs(sigmas[n] - level))
        acting = NOTHING if control is None else control.at(step / steps)
        return led_velocity(
            self.model, add_noise(clean, noise, sigmas[step]), scheduler.timesteps[step][None], text, acting
        )


def places(there: Sequence[Tensor], weights: Sequence[float]) -> list[tuple[Tensor, Tensor]]:
    """Of each region where it alone counts, and where it was painted, as bools: where they overlap, the later one
    counts, unless its weight is nothing.

    `there` (`[frames, h, w]`) is how much of each place is a region's; half as much as at its middle is within.
    """
    painted = [(it > 0.5 * it.max()) & (it > 0) for it in there]
    found = []
    for number, own in enumerate(painted):
        alone = own
        for later, weight in zip(painted[number + 1 :], weights[number + 1 :], strict=True):
            alone = alone & ~later if weight else alone
        found.append((alone, own))
    return found


def summed(own: Tensor, other: Tensor, where: Tensor) -> Errors:
    """The errors (`[frames, h, w]`) under two conditions at some places."""
    there = where.to(own.device)
    return Errors(float(own[there].sum()), float(other[there].sum()))
