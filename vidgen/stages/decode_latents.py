"""Latents to 8-bit frames, streamed: memory is that of one decoded group, whatever the length of the clip."""

from collections.abc import Iterable, Iterator

import numpy as np
from einops import rearrange
from torch import Tensor

from vidgen.media.frames import FrameChunk
from vidgen.runtime.context import RunContext
from vidgen.spec import Progress, Stage
from vidgen.stages.model import Decoder

SHARE_BEFORE, SHARE = 0.8, 0.15


def decode_latents(
    model: Decoder, latents: Tensor | Iterable[Tensor], num_frames: int, ctx: RunContext, *, done: int = 0
) -> Iterator[FrameChunk]:
    """Yield `uint8 [frames, height, width, 3]` in order of time. Raises Cancelled between groups.

    Latents may come in pieces. `done` of the clip's `num_frames` are decoded already.
    """
    for pixels in model.decode(latents):
        ctx.checkpoint()
        frames = to_uint8(pixels)
        done += len(frames)
        ctx.report(Progress(Stage.DECODING, SHARE_BEFORE + SHARE * done / num_frames))
        yield frames


def to_uint8(pixels: Tensor) -> FrameChunk:
    """`[1, 3, t, h, w]` in -1..1 to `uint8 [t, h, w, 3]`."""
    scaled = ((pixels[0] + 1.0) * 127.5).round().clamp(0, 255)
    frames: FrameChunk = rearrange(scaled, "c t h w -> t h w c").cpu().numpy().astype(np.uint8)
    return frames
