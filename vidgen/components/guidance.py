"""Classifier-free guidance (Ho & Salimans 2022, arXiv:2207.12598), where in a run it acts, and how it is held back."""

import math
from dataclasses import dataclass, replace
from typing import Literal

from torch import Tensor

GuidanceShape = Literal["constant", "falling", "rising"]


@dataclass(frozen=True, slots=True)
class GuidancePlan:
    """`scale` from the share `begin` of a run's steps to the share `end`, and none elsewhere.

    Kynkäänniemi et al. 2024, arXiv:2404.07724. `rescale` is the amount of `rescaled`. By `shape` the scale stays, falls
    to 1 along a cosine, or rises from it (Wang et al. 2024, arXiv:2404.13040).
    """

    scale: float
    rescale: float = 0.0
    begin: float = 0.0
    end: float = 1.0
    shape: GuidanceShape = "constant"

    def at(self, step: int, total: int) -> "GuidancePlan":
        """The plan of step `step` of `total` (from 0), with that step's scale."""
        turn = math.cos(math.pi * step / max(total - 1, 1))
        share = {"constant": 1.0, "falling": (1.0 + turn) / 2, "rising": (1.0 - turn) / 2}[self.shape]
        return replace(self, scale=1.0 + (self.scale - 1.0) * share)

    def acts(self, step: int, total: int) -> bool:
        """Whether step `step` of `total` (from 0) is guided; where it is not, no unconditional pass is run."""
        return self.scale > 1.0 and self.begin <= step / total < self.end

    def guided(self, conditional: Tensor, unconditional: Tensor) -> Tensor:
        made = classifier_free_guidance(conditional, unconditional, self.scale)
        return rescaled(made, conditional, self.rescale) if self.rescale else made


def classifier_free_guidance(conditional: Tensor, unconditional: Tensor, scale: float) -> Tensor:
    """`u + w·(c - u)`; scale 1 is the conditional prediction alone."""
    return unconditional + scale * (conditional - unconditional)


def rescaled(guided: Tensor, conditional: Tensor, amount: float) -> Tensor:
    """Guidance held to the contrast of the conditional prediction (Lin et al. 2023, arXiv:2305.08891, equation 15f).

    `amount` 0 leaves it as it is, 1 gives it the conditional's standard deviation, by clip.
    """
    axes = tuple(range(1, guided.ndim))
    matched = guided * (conditional.std(axes, keepdim=True) / guided.std(axes, keepdim=True))
    return amount * matched + (1.0 - amount) * guided
