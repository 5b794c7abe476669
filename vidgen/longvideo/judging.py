"""What the model says of the regions of a window that it made: whether they show what their prompts say."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from vidgen.longvideo.chunk import Chunk
from vidgen.longvideo.order import Order
from vidgen.longvideo.planner import Window
from vidgen.runtime.context import RunContext
from vidgen.runtime.seeding import frame_noise
from vidgen.runtime.verdict import WINDOWS, Errors, Verdict
from vidgen.stages.conditioning import Conditioning
from vidgen.stages.encode_text import TextEmbeddings, TextPart
from vidgen.stages.judge import Judge
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
    """Of a finished window: each region's prompt against the window's own, in its places and in all others.

    The noise is the same for all, and no clip's own: looking changes nothing.
    """

    def noise(draw: int, shape: tuple[int, int, int, int]) -> Tensor:
        return frame_noise(order.seed, order.window.n, shape, use=f"/judge/{draw}")

    judge = Judge(model, latents, noise, ctx.checkpoint)
    base = judge.errors(text.positive, control)
    regions = [part for part in text.parts if part.field]
    for part, (own, painted) in zip(regions, _places(regions, order.window), strict=True):
        told = judge.errors(part.text.positive, control)
        yield Verdict(part.field, _errors(told, base, own), _errors(told, base, ~painted))


def _errors(own: Tensor, other: Tensor, where: Tensor) -> Errors:
    """`where` is a bool by frame and place of the latents' grid."""
    counts = where.to(own.device).expand_as(own)
    return Errors(float(own[counts].sum()), float(other[counts].sum()))


def _places(regions: Sequence[TextPart], window: Window) -> list[tuple[Tensor, Tensor]]:
    """Of each region where it alone counts, and where it was painted, `[1 or frames, h, w]`: where they overlap, the
    later one counts."""
    there = [part.within(window.shot, window.start, window.stop, 0).weights[0, 0] for part in regions]
    painted = [(it > 0.5 * it.max()) if it.max() > 0 else torch.zeros_like(it, dtype=torch.bool) for it in there]
    found = []
    for number, own in enumerate(painted):
        alone = own
        for later, part in zip(painted[number + 1 :], regions[number + 1 :], strict=True):
            alone = alone & ~later if part.weight else alone
        found.append((alone, own))
    return found
