"""What the model says of the regions of a window that it made: whether they show what their prompts say."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from vidgen.longvideo.chunk import Chunk
from vidgen.longvideo.order import Order
from vidgen.runtime.context import RunContext
from vidgen.runtime.seeding import frame_noise
from vidgen.runtime.verdict import WINDOWS, Verdict
from vidgen.stages.conditioning import Conditioning
from vidgen.stages.encode_text import TextEmbeddings
from vidgen.stages.judge import Judge, places, summed
from vidgen.stages.model import VideoModel


def sampled(chunks: Sequence[Chunk]) -> list[Chunk]:
    """At most `WINDOWS` of them, evenly spread."""
    count = min(WINDOWS, len(chunks))
    return [chunks[round(n * (len(chunks) - 1) / max(1, count - 1))] for n in range(count)]


def verdicts(
    model: VideoModel,
    order: Order,
    latents: Tensor,
    text: TextEmbeddings,
    control: Conditioning | None,
    ctx: RunContext,
) -> Iterator[Verdict]:
    """Of what a finished window newly made: each region's prompt against the window's own, in its places and in all
    others.

    The noise is the same for all, and no clip's own: looking changes nothing.
    """

    def noise(draw: int, shape: tuple[int, int, int, int]) -> Tensor:
        return frame_noise(order.seed, order.window.n, shape, use=f"/judge/{draw}")

    judge = Judge(model, latents, noise, ctx.checkpoint)
    base = judge.errors(text.positive, control)
    regions = [part for part in text.parts if part.field]
    window = order.window
    there = [part.within(window.shot, window.start, window.stop, 0).weights[0, 0].expand_as(base) for part in regions]
    where, made = places(there, [part.weight for part in regions]), newly_made(order, base)
    for part, (own, painted) in zip(regions, where, strict=True):
        told = judge.errors(part.text.positive, control)
        yield Verdict(part.field, summed(told, base, own & made), summed(told, base, ~painted & made))


def newly_made(order: Order, like: Tensor) -> Tensor:
    """`[frames, h, w]` as bools: not what the windows beside it, held pictures or a source gave to the window.

    So what two windows share counts once, and the clip that is gone on from not at all. `like` has those sizes.
    """
    window, made = order.window, torch.ones_like(like, dtype=torch.bool)
    made[: window.head], made[window.length - window.tail :] = False, False
    for place in order.pins:
        made[place] = False
    return made if order.kept is None else made & (order.kept[0, 0].to(like.device) < 0.5)
