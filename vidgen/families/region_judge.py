"""What a pipeline's own network says of the regions of the clip that it made: whether they show what their prompts say.

As `stages/judge.py` asks our own loop: the finished latents are noised anew, and that prompt explains a place better
under which its clip is estimated better (Li et al. 2023, arXiv:2303.16203). The network is called just as the pipeline
called it at the noise levels nearest to those, with all else that it was given.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool3d

from vidgen.components.prediction import Level, denoised
from vidgen.families.estimate import level_of
from vidgen.runtime.seeding import frame_noise
from vidgen.runtime.verdict import DRAWS, LEVELS, Verdict
from vidgen.stages.clip_model import PaintedRegion
from vidgen.stages.judge import places, summed

Forward = Callable[..., Any]


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """A call of the network in a run: `row` of its batch is the one with the prompt."""

    forward: Forward
    named: Mapping[str, Any]
    row: int
    level: Level

    @property
    def share(self) -> float:
        """Of noise, 0..1."""
        return self.level.sigma / (self.level.alpha + self.level.sigma)


class RegionJudge:
    """Keeps one call near each level; `time` is the latents' axis of time, the other one of 1 and 2 is that of
    channels."""

    def __init__(self, scheduler: Any, regions: Sequence[PaintedRegion], time: int, seed: int) -> None:
        self._scheduler, self._regions, self._time, self._seed = scheduler, regions, time, seed
        self._calls: dict[float, Call] = {}

    def saw(self, forward: Forward, named: Mapping[str, Any], row: int) -> None:
        """A call of a run with its keywords, `encoder_hidden_states` among them."""
        timestep = named.get("timestep")
        if timestep is None or "hidden_states" not in named:
            return
        # where frames have levels of their own, those of given frames are lower
        level = level_of(self._scheduler, timestep.max())
        if level is None:
            return
        call = Call(forward, named, row, level)
        for wanted in LEVELS:
            nearest = self._calls.get(wanted)
            if nearest is None or abs(call.share - wanted) < abs(nearest.share - wanted):
                self._calls[wanted] = call

    def verdicts(self, latents: Tensor, whole: Tensor, texts: Sequence[Tensor]) -> list[Verdict]:
        """Of finished latents as the pipeline holds them: each region's prompt against that of the clip (`whole`)."""
        if not self._calls:
            return []
        clean = latents.movedim(self._time, 2)
        base = self._errors(clean, whole)
        frames, height, width = base.shape
        there = [adaptive_avg_pool3d(it.shares, (frames, height, width))[0, 0] for it in self._regions]
        where, found = places(there, [it.weight for it in self._regions]), []
        for (own, painted), region, text in zip(where, self._regions, texts, strict=True):
            told = self._errors(clean, text)
            found.append(Verdict(region.field, summed(told, base, own), summed(told, base, ~painted)))
        return found

    def _errors(self, clean: Tensor, text: Tensor) -> Tensor:
        """`[frames, h, w]`: squared errors of the estimates of the clip `[1, z, frames, h, w]`."""
        found = torch.zeros_like(clean[0, 0], dtype=torch.float32)
        for draw in range(DRAWS):
            shape = (clean.shape[1], *clean.shape[2:])
            noise = frame_noise(self._seed, 0, shape, use=f"/judge/{draw}").to(clean.device, torch.float32)
            for call in self._calls.values():
                found += ((self._estimate(call, clean.float(), noise, text) - clean) ** 2).sum(1)[0]
        return found

    def _estimate(self, call: Call, clean: Tensor, noise: Tensor, text: Tensor) -> Tensor:
        sample = call.level.scale * (call.level.alpha * clean + call.level.sigma * noise)
        texts = call.named["encoder_hidden_states"].clone()
        texts[call.row] = text[0].to(texts)
        given = call.named["hidden_states"].clone()
        seen = given.movedim(self._time, 2)
        channels, free = clean.shape[1], _free(call.named["timestep"], clean.shape[2])
        seen[call.row, :channels, free] = sample[0, :, free].to(given)
        output = call.forward(**{**call.named, "hidden_states": given, "encoder_hidden_states": texts})[0]
        predicted = output[call.row : call.row + 1].movedim(self._time, 2)[:, :channels].float()
        made = denoised(sample, predicted, call.level)
        # what was given is no prediction
        made[:, :, ~free] = clean[:, :, ~free]
        return made


def _free(timestep: Tensor, frames: int) -> Tensor:
    """Which frames are as noisy as any: those that the clip is given have a lower timestep, or one of nothing."""
    if timestep.ndim < 2:
        return torch.ones(frames, dtype=torch.bool)
    own = timestep[0].reshape(frames, -1).amax(1)
    return (own == own.max()).cpu()
