"""Prompts for parts of the frame: where each counts, on the latents' grid, and what it says."""

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d, avg_pool2d

from vidgen.pipelines.resolved import Resolved
from vidgen.pipelines.stills import read_pixels
from vidgen.runtime.context import RunContext
from vidgen.spec import Box, SamplingFields
from vidgen.spec.region import Region
from vidgen.stages.encode_text import TextPart, encode_text
from vidgen.stages.model import VideoModel


def text_parts(model: VideoModel, spec: SamplingFields, ctx: RunContext) -> tuple[TextPart, ...]:
    """The regions of a resolved spec, encoded under its other settings."""
    asked = Resolved.of(spec)
    _, _, height, width = model.latent_shape(1, asked.height, asked.width)
    parts = []
    for region in spec.regions:
        text = encode_text(model, spec.model_copy(update={"prompt": region.prompt}))
        shares = adaptive_avg_pool2d(_painted(region, spec, ctx), (height, width))
        parts.append(TextPart(text, region.weight * shares[:, :, None]))
    return tuple(parts)


def _painted(region: Region, spec: SamplingFields, ctx: RunContext) -> Tensor:
    """How much of each pixel is the region's, `[1, 1, height, width]` in 0..1."""
    asked = Resolved.of(spec)
    if region.box is not None:
        painted = _box(region.box, asked.height, asked.width)
    else:
        assert region.media is not None
        painted = read_pixels(region.media, spec, ctx).mean(0)[None, None].add(1).div(2)
    return _blurred(painted, round(region.feather * asked.width))


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
