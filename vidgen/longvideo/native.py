"""Windows made in a family's own way: its pipeline is given the latents to go on from, and keeps them.

What a family needs for it is `ClipRequest.head` (or `tail`, where clips are made from their end on): the latents that
the window shares with the clip so far. All else (the plan, chunks on disk, joints, takes, the record) is that of every
long clip.
"""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import replace

import diffusers
import torch
from torch import Tensor

from vidgen.longvideo.anchor import anchored
from vidgen.longvideo.fingerprint import fingerprint
from vidgen.longvideo.order import Order, Settings
from vidgen.runtime.context import RunContext
from vidgen.runtime.verdict import Verdict
from vidgen.stages.clip_model import ClipModel, ClipRequest, OnStep


class Native:
    """A `Maker` over a `ClipModel`.

    `request` is that of the whole clip, `watcher` tells the steps of a window at its place on the progress bar, and
    `shown` says which of the clip's frames latent frames of a shot show, the first and the last of them.
    """

    def __init__(
        self,
        model: ClipModel,
        settings: Settings,
        request: ClipRequest,
        watcher: Callable[[RunContext, tuple[float, float]], OnStep],
        shown: Callable[[int, int, int], tuple[int, int]],
    ) -> None:
        self.model, self._settings, self._request, self._watcher = model, settings, request, watcher
        self._shown = shown
        self._said: dict[str, list[Verdict]] = {}

    @property
    def model_fingerprint(self) -> str:
        advanced, versions = self._request.spec.advanced, f"{torch.__version__}/{diffusers.__version__}"
        sampled = "" if advanced is None else advanced.model_dump_json(exclude_none=True)
        return f"{self.model.fingerprint}/{versions}/{self._request.fps}/{sampled}"

    def fingerprint(self, order: Order) -> str:
        part = self._part(order)
        pictures = [part.image, part.last_image, part.video, *part.references, *part.keyframes.values()]
        given = [*pictures, *(control.frames for control in part.controls)]
        name = order.fingerprint(self.model_fingerprint, self._settings)
        led = [None if frames is None else hashlib.sha256(frames.tobytes()).hexdigest() for frames in given]
        if not any(led):
            return name
        ways = [[it.kind, it.weight, it.start, it.end] for it in part.controls]
        return fingerprint(order=name, led=led, at=list(part.keyframes), controls=ways, strength=part.strength)

    def make(self, order: Order, share: tuple[float, float], ctx: RunContext) -> Tensor:
        window, request, said = order.window, self._part(order), list[Verdict]()
        if request.on_verdict is not None:
            request, self._said[self.fingerprint(order)] = replace(request, on_verdict=said.append), said
        latents = self.model.generate(request, self._watcher(ctx, share))
        # some families add noise to what they are given, and leave the last of it
        free = torch.ones(window.length)
        if order.head is not None:
            latents[:, :, : window.head], free[: window.head] = order.head.to(latents), 0.0
        if order.tail is not None:
            latents[:, :, -window.tail :], free[-window.tail :] = order.tail.to(latents), 0.0
        if order.reference is None:
            return latents
        return anchored(latents, order.reference, self._settings.anchor, free.view(1, 1, -1, 1, 1))

    def judged(self, order: Order, latents: Tensor, ctx: RunContext) -> Iterable[Verdict]:  # noqa: ARG002
        """What was said when the window was made; nothing of one that another run made."""
        return self._said.get(self.fingerprint(order), ())

    def _part(self, order: Order) -> ClipRequest:
        """What is asked of the window: the clip's request, as far as it speaks of the window's frames."""
        whole, window = self._request, order.window
        first, last = self._shown(window.shot, window.start, window.stop)
        fresh, _ = self._shown(window.shot, window.start + window.head, window.stop)
        keyframes = {frame - first: shown for frame, shown in whole.keyframes.items() if fresh <= frame <= last}
        return replace(
            whole,
            spec=whole.spec.model_copy(update={"prompt": order.prompt}),
            num_frames=self.model.frame_group * (window.length - 1) + 1,
            seed=window_seed(order.seed, window.n),
            image=whole.image if window.shot == 0 else None,
            last_image=whole.last_image if last == whole.num_frames - 1 and not window.tail else None,
            video=None if whole.video is None else whole.video[first : last + 1],
            keyframes=keyframes,
            controls=tuple(replace(it, frames=it.frames[first : last + 1]) for it in whole.controls),
            head=order.head,
            tail=order.tail,
            condition_noise=self._settings.condition_noise,
            place=window.start,
            stream_seed=order.seed,
        )


def window_seed(seed: int, n: int) -> int:
    """The seed of window `n`'s noise; the first one is a clip of its own and has the clip's."""
    if n == 0:
        return seed
    return int.from_bytes(hashlib.sha256(f"{seed}/{n}/window".encode()).digest()[:8], "big") >> 1
