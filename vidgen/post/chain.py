"""The steps of a spec as one stream, with a record of what each gave.

Knows which class does which step. Networks are loaded here, before the first frame is made.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import torch

from vidgen.errors import SpecError
from vidgen.media.cuts import is_cut
from vidgen.media.frames import FrameChunk
from vidgen.post.draw_control import DrawnControl
from vidgen.post.interpolate import Interpolation
from vidgen.post.invisible.read import WatermarkReader
from vidgen.post.invisible.write import InvisibleMarker
from vidgen.post.normalise_colour import ColourNormaliser
from vidgen.post.remove_background import BackgroundRemover
from vidgen.post.restore import Restorer
from vidgen.post.sharpen import Sharpener
from vidgen.post.tone_map import ToneMapper
from vidgen.post.upscale import Upscaling
from vidgen.post.watermark import Watermarker
from vidgen.runtime.control_drawer import Drawers
from vidgen.spec.clip_shape import ClipShape
from vidgen.spec.post import (
    DrawControl,
    Interpolate,
    InvisibleWatermark,
    NormaliseColour,
    PostStep,
    ReadWatermark,
    RemoveBackground,
    Restore,
    Sharpen,
    ToneMap,
    Upscale,
    Watermark,
    shapes_after,
)
from vidgen_models.frame_networks import load_interpolator, load_upscaler
from vidgen_models.networks import NetworkRegistry, networks_of


class Step(Protocol):
    """Frames in, frames out, a chunk at a time."""

    def through(self, chunks: Iterator[FrameChunk]) -> Iterator[FrameChunk]: ...


@dataclass(frozen=True, slots=True)
class Tools:
    """What steps need from outside: where media lie, which networks are installed, and where they compute."""

    media: Mapping[str, Path]
    networks: NetworkRegistry
    device: torch.device | None = None
    drawers: Drawers = field(default_factory=dict)


class Chain:
    """Steps over a clip of a shape. Raises SpecError where a step cannot follow the one before."""

    def __init__(self, steps: Sequence[PostStep], clip: ClipShape, tools: Tools) -> None:
        self._specs = tuple(steps)
        self.shapes = shapes_after(self._specs, clip)
        pairs = zip(self._specs, self.shapes, self.shapes[1:], strict=False)
        # first, as what is not installed is told in words of its own
        self._networks = [networks_of(spec, tools.networks) for spec in self._specs]
        self._steps = [_MAKERS[type(spec)](spec, before, after, tools) for spec, before, after in pairs]
        self._records = [_Record() for _ in self._steps]

    @property
    def result(self) -> ClipShape:
        """The clip that comes out."""
        return self.shapes[-1]

    def through(self, chunks: Iterator[FrameChunk]) -> Iterator[FrameChunk]:
        """All steps, one after the other."""
        for step, record in zip(self._steps, self._records, strict=True):
            chunks = record.through(step.through(chunks))
        return chunks

    def log(self) -> list[dict[str, Any]]:
        """What each step was asked, by which networks it was done, what it found, and count, size and sha256 of the
        frames it gave.
        """
        told = []
        for spec, step, networks, record in zip(self._specs, self._steps, self._networks, self._records, strict=True):
            used = [{"id": it.id, "revision": it.revision, "sha256": it.sha256} for it in networks]
            more: dict[str, Any] = {"networks": used} if used else {}
            if isinstance(step, WatermarkReader):
                more["found"] = step.found()
            told.append({**spec.model_dump(mode="json", exclude_none=True), **more, "gave": record.facts()})
        return told


class _Record:
    """Counts and hashes frames as they stream by."""

    def __init__(self) -> None:
        self._digest, self._count, self._size = hashlib.sha256(), 0, (0, 0)

    def through(self, chunks: Iterator[FrameChunk]) -> Iterator[FrameChunk]:
        for chunk in chunks:
            self._digest.update(chunk.tobytes())
            self._count += len(chunk)
            self._size = (chunk.shape[2], chunk.shape[1])
            yield chunk

    def facts(self) -> dict[str, Any]:
        width, height = self._size
        return {"frames": self._count, "width": width, "height": height, "sha256": self._digest.hexdigest()}


def _interpolation(_spec: Interpolate, before: ClipShape, after: ClipShape, tools: Tools) -> Step:
    net = load_interpolator(tools.networks.interpolation(), tools.device)
    return Interpolation(net, is_cut, source_fps=before.fps, fps=after.fps)


def _upscaling(spec: Upscale, _before: ClipShape, _after: ClipShape, tools: Tools) -> Step:
    return Upscaling([load_upscaler(it, tools.device) for it in tools.networks.upscaling_passes(spec.factor)])


def _restorer(spec: Restore, _before: ClipShape, _after: ClipShape, tools: Tools) -> Step:
    return Restorer(load_upscaler(tools.networks.upscaling(2), tools.device), spec.strength)


def _watermarker(spec: Watermark, _before: ClipShape, _after: ClipShape, tools: Tools) -> Step:
    if spec.image is None:
        return Watermarker(spec)
    path = tools.media.get(spec.image.key)
    if path is None:
        raise SpecError("watermark.image: the picture is not there", field="post.watermark.image")
    return Watermarker(spec, path)


_MAKERS: dict[type, Callable[[Any, ClipShape, ClipShape, Tools], Step]] = {
    Interpolate: _interpolation,
    Upscale: _upscaling,
    NormaliseColour: lambda spec, _before, _after, _tools: ColourNormaliser(spec, is_cut),
    ToneMap: lambda spec, _before, _after, _tools: ToneMapper(spec),
    RemoveBackground: lambda spec, _before, _after, _tools: BackgroundRemover(spec),
    Sharpen: lambda spec, _before, _after, _tools: Sharpener(spec),
    Restore: _restorer,
    Watermark: _watermarker,
    DrawControl: lambda spec, _before, _after, tools: DrawnControl(spec, tools.drawers),
    InvisibleWatermark: lambda spec, _before, _after, _tools: InvisibleMarker(spec),
    ReadWatermark: lambda _spec, _before, _after, _tools: WatermarkReader(),
}
