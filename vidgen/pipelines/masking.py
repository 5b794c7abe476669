"""What of a source clip is made anew: its mask frame by frame, the latents that stay, and old and new put together."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vidgen.longvideo.planner import GROUP
from vidgen.media.frames import FrameChunk
from vidgen.pipelines.control_frames import ClipReader
from vidgen.pipelines.resolved import Resolved
from vidgen.runtime.context import RunContext
from vidgen.spec import Mask, Outpaint, VideoToVideo
from vidgen.spec.conditioning.mask import Box

Plane = NDArray[np.float32]
HALF = 128
CELL = 8


@dataclass(frozen=True, slots=True, eq=False)
class Masked:
    """The source of a video-to-video job of which a part is made anew. `name` says by content what the mask is."""

    source: Callable[[int, int], FrameChunk]
    mask: Callable[[int, int], Plane]
    feather: int
    name: str

    @classmethod
    def of(cls, spec: VideoToVideo, ctx: RunContext) -> "Masked | None":
        """None where the whole clip is restyled. Raises SpecError where a mask's clip is too short."""
        asked = Resolved.of(spec)
        source = ClipReader(ctx.media[spec.video.key], spec.video, asked, "video")
        if spec.outpaint is not None:
            return _surrounded(spec.outpaint, source)
        if spec.mask is None:
            return None
        planes = _planes(spec.mask, asked, ctx)
        name = f"mask {spec.mask.model_dump_json(exclude={'media'})}/{planes[1]}"
        return cls(source.read, planes[0], round(spec.mask.feather * asked.width), name)

    def alpha(self, first: int, count: int) -> Plane:
        """How much of the new shows, 0..1: nothing outside of the mask, all of it farther inside than the feather."""
        return np.stack([_feathered(plane, self.feather) for plane in self.mask(first, count)])

    def pasted(self, made: Iterable[FrameChunk]) -> Iterator[FrameChunk]:
        """What was made, with the source as it is outside of the mask."""
        done = 0
        for chunk in made:
            alpha = self.alpha(done, len(chunk))[..., None]
            mixed = alpha * chunk + (1 - alpha) * self.source(done, len(chunk))
            done += len(chunk)
            yield np.rint(mixed).astype(np.uint8)


def kept_latents(mask: Tensor, warm: int) -> Tensor:
    """Which latents stay, `[1, 1, latent frames, h, w]`: those of whose pixels (`[1, 1, 4k+1, 8h, 8w]`) none is made.

    The first `warm` latent frames are left out.
    """
    parts = [mask[:, :, :1], *torch.split(mask[:, :, 1:], GROUP, 2)]
    worst = torch.cat([part.amax(2, keepdim=True) for part in parts], 2)
    cells = torch.nn.functional.max_pool3d(worst, (1, CELL, CELL))
    return (cells <= 0.5).to(mask.dtype)[:, :, warm:]


def _planes(mask: Mask, asked: Resolved, ctx: RunContext) -> tuple[Callable[[int, int], Plane], str]:
    grown = round(mask.grow * asked.width)
    if mask.box is not None:
        plane = _grown(_boxed(mask.box, asked), grown)
        plane = 1 - plane if mask.invert else plane
        return lambda _first, count: np.repeat(plane[None], count, 0), "box"
    assert mask.media is not None
    reader = ClipReader(ctx.media[mask.media.key], mask.media, asked, "mask.media")
    reader.check()

    def read(first: int, count: int) -> Plane:
        bright = (frame.mean(axis=2) >= HALF for frame in reader.frames(first, count))
        return np.stack([_grown((it ^ mask.invert).astype(np.float32), grown) for it in bright])

    return read, reader.name


def _surrounded(outpaint: Outpaint, source: ClipReader) -> Masked:
    """The source within the frame, its edges drawn out around it until something is made there."""
    asked, inner = source.asked, outpaint.inner()
    left, right = round(inner.left * asked.width), round(inner.right * asked.width)
    top, bottom = round(inner.top * asked.height), round(inner.bottom * asked.height)
    plane = np.ones((asked.height, asked.width), np.float32)
    plane[top:bottom, left:right] = 0
    small = ClipReader(source.path, source.ref, _sized(asked, right - left, bottom - top), source.field)

    def placed(first: int, count: int) -> FrameChunk:
        around = (top, asked.height - bottom, left, asked.width - right)
        return np.stack(
            [cv2.copyMakeBorder(frame, *around, cv2.BORDER_REPLICATE) for frame in small.frames(first, count)]
        )

    def mask(_first: int, count: int) -> Plane:
        return np.repeat(plane[None], count, 0)

    return Masked(placed, mask, round(outpaint.feather * asked.width), f"outpaint {outpaint.model_dump_json()}")


def _sized(asked: Resolved, width: int, height: int) -> Resolved:
    values: dict[str, Any] = {name: getattr(asked, name) for name in Resolved.__slots__}
    return Resolved(**{**values, "width": width, "height": height})


def _boxed(box: Box, asked: Resolved) -> Plane:
    plane = np.zeros((asked.height, asked.width), np.float32)
    rows = slice(round(box.top * asked.height), round(box.bottom * asked.height))
    plane[rows, round(box.left * asked.width) : round(box.right * asked.width)] = 1
    return plane


def _grown(plane: Plane, pixels: int) -> Plane:
    if pixels == 0:
        return plane
    brush = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * abs(pixels) + 1,) * 2)
    changed = cv2.dilate(plane, brush) if pixels > 0 else cv2.erode(plane, brush)
    return np.asarray(changed, np.float32)


def _feathered(plane: Plane, feather: int) -> Plane:
    made = (plane > 0.5).astype(np.uint8)
    if feather < 1 or made.all():
        return made.astype(np.float32)
    inside = cv2.distanceTransform(made, cv2.DIST_L2, 3)
    return np.asarray(np.clip(inside / (feather + 1), 0, 1), np.float32)
