"""The judge's sums, on a network that is known: which prompt explains a clip, and where a region counts."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from vidgen.runtime.verdict import PREDICTIONS
from vidgen.stages.conditioning import Conditioning
from vidgen.stages.judge import Judge, places, summed

CAT, DOG = torch.zeros(1, 2, 2), torch.ones(1, 2, 2)


class Knowing:
    """Predicts the velocity to `cat` where it is told of CAT, and that to `dog` where it is told of DOG."""

    device = torch.device("cpu")

    def __init__(self, cat: Tensor, dog: Tensor) -> None:
        self.cat, self.dog, self.asked = cat, dog, list[tuple[int, ...]]()

    def scheduler(self, steps: int) -> Any:
        sigmas = torch.linspace(1, 0, steps + 1)
        return SimpleNamespace(sigmas=sigmas, timesteps=1000 * sigmas[:-1])

    def velocity(self, latents: Tensor, timestep: Tensor, text: Tensor, control: Tensor | None, *, scale: float = 1.0):
        del control, scale
        self.asked.append(tuple(latents.shape))
        clip, lead = (self.cat if torch.equal(text, CAT) else self.dog), latents.shape[2] - self.cat.shape[2]
        velocity = (latents[:, :, lead:] - clip) / (timestep.view(-1, 1, 1, 1, 1) / 1000)
        return torch.cat([latents[:, :, :lead], velocity], 2)


def test_the_prompt_by_which_the_network_knows_the_clip_explains_it_alone():
    """And behind frames of references, which count for nothing. Fails when the noise of one draw is measured against
    another's: tried."""
    clips = [torch.randn(1, 4, 3, 4, 4, generator=torch.Generator().manual_seed(n)) for n in (1, 2)]
    model = Knowing(*clips)
    asked: Any = model

    def noise(draw: int, shape: tuple[int, int, int, int]) -> Tensor:
        return torch.randn(1, *shape, generator=torch.Generator().manual_seed(9 + draw))

    shown = torch.randn(1, 4, 1, 4, 4)
    for control in (
        None,
        Conditioning(known=torch.zeros(1, 8, 3, 4, 4), references=shown.repeat(1, 2, 1, 1, 1), shown=shown),
    ):
        judge = Judge(asked, clips[0], noise, lambda: None)
        own, other = judge.errors(CAT, control), judge.errors(DOG, control)
        assert own.shape == (3, 4, 4)
        assert own.max() < 1e-6 < other.min()
        assert summed(own, other, torch.ones(3, 4, 4, dtype=torch.bool)).preference == pytest.approx(1, abs=1e-5)
    assert [shape[2] for shape in model.asked] == 2 * PREDICTIONS * [3] + 2 * PREDICTIONS * [4]


def test_where_regions_overlap_the_later_one_counts_unless_it_has_no_weight():
    """Fails when the earlier one counts: tried. What is painted nowhere is nowhere."""
    left, all_of_it, none = torch.zeros(2, 1, 4), torch.ones(2, 1, 4), torch.zeros(2, 1, 4)
    left[..., :2] = 0.3
    (first, painted), (second, _), (nowhere, _) = places([all_of_it, left, none], [1.0, 1.0, 1.0])
    assert first[0, 0].tolist() == [False, False, True, True]
    assert painted.all()
    assert second[0, 0].tolist() == [True, True, False, False]
    assert not nowhere.any()
    assert places([all_of_it, left], [1.0, 0.0])[0][0].all()
