"""SparseCtrl (arXiv:2311.16933): AnimateDiff led by a few pictures at their moments."""

from typing import Any

import torch
from diffusers import AnimateDiffSparseControlNetPipeline

SEED = 0


class SparseControlPipeline(AnimateDiffSparseControlNetPipeline):  # type: ignore[misc]
    """As diffusers', which encodes its pictures with whatever random numbers come; here with the same ones always."""

    def prepare_image(self, *arguments: Any, **named: Any) -> Any:
        with torch.random.fork_rng():
            torch.manual_seed(SEED)
            return super().prepare_image(*arguments, **named)
