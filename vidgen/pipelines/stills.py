"""Pictures that a clip shows at given frames, as the latents of a clip that rests on them."""

from collections.abc import Callable, Mapping
from functools import cache, partial

import numpy as np
from torch import Tensor

from vidgen.longvideo.planner import GROUP
from vidgen.media.source import read_picture
from vidgen.media.tensor import to_pixels
from vidgen.pipelines.conditions import Conditions
from vidgen.pipelines.resolved import Resolved
from vidgen.runtime.context import RunContext
from vidgen.spec import MediaRef, SamplingFields
from vidgen.stages.model import VideoModel

STILL_GROUPS = 3
"""Groups of frames after which the latent of a picture at rest no longer changes to speak of."""

Still = Callable[[bool], Tensor]
"""Makes the latent frame of a picture; True asks for that of a stream's first frame."""


def stills_of(
    model: VideoModel, spec: SamplingFields, ctx: RunContext, more: Mapping[int, MediaRef | None] | None = None
) -> dict[int, Still]:
    """The keyframes of a resolved spec by frame, and `more` of them."""
    asked = {key.frame or 0: key.image for key in spec.keyframes}
    asked |= {frame: ref for frame, ref in (more or {}).items() if ref is not None}
    return {frame: partial(_still, model, spec, ctx, ref) for frame, ref in asked.items()}


def suffix_stills(model: VideoModel, spec: SamplingFields, conditions: Conditions) -> dict[int, Still]:
    """The frames that a resolved spec ends with, by the first frame of each group: held, as keyframes are.

    Their latents are those of a clip that rests on the first of them before it moves: what comes before is not known.
    """
    if spec.suffix is None:
        return {}
    frames = conditions.end_frames("suffix", spec.suffix)
    begin, groups = Resolved.of(spec).num_frames - len(frames), len(frames) // GROUP

    @cache
    def encoded() -> Tensor:
        rest = np.repeat(frames[:1], GROUP * STILL_GROUPS + 1, axis=0)
        return model.encode_pixels(to_pixels(np.concatenate([rest, frames])))[:, :, -groups:]

    def still(group: int) -> Still:
        return lambda _opens: encoded()[:, :, group : group + 1]

    return {begin + GROUP * group: still(group) for group in range(groups)}


def read_pixels(ref: MediaRef, spec: SamplingFields, ctx: RunContext) -> Tensor:
    """The picture a reference names, `[3, height, width]` in -1..1."""
    asked = Resolved.of(spec)
    frames = read_picture(ctx.media[ref.key], frame=ref.frame, width=asked.width, height=asked.height)
    return to_pixels(frames)[0, :, 0]


def at_rest(model: VideoModel, picture: Tensor, *, opens: bool = False) -> Tensor:
    """The latent of four frames that all show `picture` (`[3, height, width]`), as in the middle of a stream.

    With `opens` that of a stream's first frame, which is one frame alone.
    """
    still = picture[None, :, None].expand(-1, -1, 1 if opens else GROUP * STILL_GROUPS + 1, -1, -1)
    return model.encode_pixels(still)[:, :, -1:]


def _still(model: VideoModel, spec: SamplingFields, ctx: RunContext, ref: MediaRef, opens: bool) -> Tensor:
    return at_rest(model, read_pixels(ref, spec, ctx), opens=opens)
