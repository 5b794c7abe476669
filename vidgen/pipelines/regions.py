"""Prompts for parts of the frame: where each counts, on the latents' grid and over time, and what it says."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d, avg_pool2d

from vidgen.errors import SpecError
from vidgen.longvideo.planner import GROUP
from vidgen.pipelines.control_frames import ClipReader
from vidgen.pipelines.resolved import Resolved
from vidgen.pipelines.said_camera import camera_parts
from vidgen.runtime.context import RunContext
from vidgen.spec import Box, SamplingFields
from vidgen.spec.region import Region
from vidgen.stages.clip_model import PaintedRegion
from vidgen.stages.encode_text import TextPart, encode_text
from vidgen.stages.model import VideoModel


def text_parts(
    model: VideoModel, spec: SamplingFields, ctx: RunContext, clock: Sequence[int] = (1,)
) -> tuple[TextPart, ...]:
    """The regions of a resolved spec, encoded under its other settings.

    `clock` says, by shot, as which frame latent frame 1 begins. Raises SpecError where a mask's clip is too short.
    """
    asked = Resolved.of(spec)
    _, _, height, width = model.latent_shape(1, asked.height, asked.width)
    parts = []
    for number, region in enumerate(spec.regions):
        text = encode_text(model, spec.model_copy(update={"prompt": region.prompt}))
        text = replace(text, parts=camera_parts(model, spec, region.prompt, clock))
        painted, mask = _painter(number, region, spec, ctx)
        shares = partial(_shares, painted, (height, width))
        over_time = None if mask is None else partial(_over_time, shares, clock)
        field = f"regions.{number}"
        parts.append(TextPart(text, shares(0, 1)[:, :, None], over_time, weight=region.weight, field=field))
    return tuple(parts)


def painted_regions(spec: SamplingFields, ctx: RunContext) -> tuple[PaintedRegion, ...]:
    """The regions of a resolved spec, for families that denoise by themselves.

    Raises SpecError where a mask's clip is too short, or is to be followed through windows.
    """
    made = []
    for number, region in enumerate(spec.regions):
        painted, mask = _painter(number, region, spec, ctx)
        if mask is not None and spec.long is not None:
            field = f"regions.{number}.media"
            raise SpecError(f"{field}: this model follows no mask clip through a long clip; give a still", field=field)
        count = 1 if mask is None else Resolved.of(spec).num_frames
        shares = painted(0, count).movedim(0, 1)[None]
        made.append(PaintedRegion(region.prompt, shares, region.weight, f"regions.{number}"))
    return tuple(made)


Painter = Callable[[int, int], Tensor]


def region_painter(number: int, region: Region, spec: SamplingFields, ctx: RunContext) -> Painter:
    """How much of each pixel is the region's by first frame and count, `[count, 1, height, width]` in 0..1."""
    return _painter(number, region, spec, ctx)[0]


def _painter(number: int, region: Region, spec: SamplingFields, ctx: RunContext) -> tuple[Painter, ClipReader | None]:
    """How much of each pixel is the region's by first frame and count, `[count, 1, height, width]` in 0..1, and the
    clip that says so where it is one."""
    asked = Resolved.of(spec)
    radius = round(region.feather * asked.width)
    if region.box is not None:
        box = _blurred(_box(region.box, asked.height, asked.width), radius)
        return lambda _, count: box.expand(count, -1, -1, -1), None
    assert region.media is not None
    mask = ClipReader(ctx.media[region.media.key], region.media, asked, f"regions.{number}.media")
    mask.check()

    def read(first: int, count: int) -> Tensor:
        bright = np.stack([frame.mean(axis=2, dtype=np.float32) / 255 for frame in mask.frames(first, count)])
        return _blurred(torch.from_numpy(bright)[:, None], radius)

    return read, None if mask.is_picture else mask


def _shares(painted: Painter, grid: tuple[int, int], first: int, count: int) -> Tensor:
    """The mean over `count` frames at each place of the latents' grid, `[1, 1, h, w]`."""
    return adaptive_avg_pool2d(painted(first, count), grid).mean(0, keepdim=True)


def _over_time(shares: Callable[[int, int], Tensor], clock: Sequence[int], shot: int, start: int, stop: int) -> Tensor:
    """By latent frame: a stream's first one shows one frame, the others a group each."""
    groups = [(clock[shot] + GROUP * (n - 1), GROUP) if n else (clock[shot] - 1, 1) for n in range(start, stop)]
    return torch.stack([shares(first, count) for first, count in groups], 2)


def _box(box: Box, height: int, width: int) -> Tensor:
    painted = torch.zeros(1, 1, height, width)
    rows = slice(round(box.top * height), round(box.bottom * height))
    painted[:, :, rows, round(box.left * width) : round(box.right * width)] = 1.0
    return painted


def _blurred(painted: Tensor, radius: int) -> Tensor:
    """Edges as ramps of twice the radius; at the frame's own edge nothing changes."""
    if radius == 0:
        return painted
    return avg_pool2d(painted, 2 * radius + 1, stride=1, padding=radius, count_include_pad=False)
