"""Windows made in a family's own way: its pipeline is given the latents to go on from, and keeps them.

What a family needs for it is `ClipRequest.head`: the latents that the window begins with, of the clip so far. All
else (the plan, chunks on disk, joints, takes, the record) is that of every long clip.
"""

import hashlib
from collections.abc import Callable
from dataclasses import replace

import diffusers
import torch
from torch import Tensor

from vidgen.longvideo.anchor import anchored
from vidgen.longvideo.order import Order, Settings
from vidgen.runtime.context import RunContext
from vidgen.stages.clip_model import ClipModel, ClipRequest, OnStep


class Native:
    """A `Maker` over a `ClipModel`.

    `request` is that of the whole clip, `watcher` tells the steps of a window at its place on the progress bar.
    """

    def __init__(
        self,
        model: ClipModel,
        settings: Settings,
        request: ClipRequest,
        watcher: Callable[[RunContext, tuple[float, float]], OnStep],
    ) -> None:
        self.model, self._settings, self._request, self._watcher = model, settings, request, watcher

    @property
    def model_fingerprint(self) -> str:
        advanced, versions = self._request.spec.advanced, f"{torch.__version__}/{diffusers.__version__}"
        sampled = "" if advanced is None else advanced.model_dump_json(exclude_none=True)
        return f"{self.model.fingerprint}/{versions}/{self._request.fps}/{sampled}"

    def fingerprint(self, order: Order) -> str:
        return order.fingerprint(self.model_fingerprint, self._settings)

    def make(self, order: Order, share: tuple[float, float], ctx: RunContext) -> Tensor:
        window = order.window
        request = replace(
            self._request,
            spec=self._request.spec.model_copy(update={"prompt": order.prompt}),
            num_frames=self.model.frame_group * (window.length - 1) + 1,
            seed=window_seed(order.seed, window.n),
            image=self._request.image if window.start == 0 else None,
            head=order.head,
            condition_noise=self._settings.condition_noise,
        )
        latents = self.model.generate(request, self._watcher(ctx, share))
        if order.head is not None:
            # some families add noise to what they are given, and leave the last of it
            latents[:, :, : window.head] = order.head.to(latents)
        if order.reference is None:
            return latents
        free = torch.ones(window.length)
        free[: window.head] = 0.0
        return anchored(latents, order.reference, self._settings.anchor, free.view(1, 1, -1, 1, 1))


def window_seed(seed: int, n: int) -> int:
    """The seed of window `n`'s noise; the first one is a clip of its own and has the clip's."""
    if n == 0:
        return seed
    return int.from_bytes(hashlib.sha256(f"{seed}/{n}/window".encode()).digest()[:8], "big") >> 1
