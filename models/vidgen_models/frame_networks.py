"""Interpolation and upscaling behind 8-bit frames: what a streaming step calls, whatever network is inside.

Weights come from safetensors files only. Whose network a file holds is recognised by its keys: our own, RIFE 4.22 to
4.26, SPAN, SRVGG ("compact") and RRDB (ESRGAN).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from vidgen.errors import ModelError
from vidgen_models.folder_check import check_weights
from vidgen_models.nets.esrgan import EsrganNet, esrgan_from, is_esrgan
from vidgen_models.nets.interpolation import InterpolationNet, interpolation_from, is_interpolation
from vidgen_models.nets.rife import RifeNet, is_rife, rife_from
from vidgen_models.nets.span import SpanNet, is_span, span_from
from vidgen_models.nets.srvgg import SrvggNet, is_srvgg, srvgg_from
from vidgen_models.nets.upscaling import UpscalingNet, is_upscaling, upscale_tiled, upscaling_from
from vidgen_models.networks import NetworkManifest

Frames = NDArray[np.uint8]
PREFIXES = ("module.", "flownet.", "params_ema.", "params.", "model.")
TILE = 256

Enlarging: TypeAlias = UpscalingNet | SpanNet | SrvggNet | EsrganNet
Between: TypeAlias = InterpolationNet | RifeNet


class FrameInterpolator(Protocol):
    """Draws frames between two frames."""

    def between(self, before: NDArray[np.uint8], after: NDArray[np.uint8], times: Sequence[float]) -> Frames:
        """`before` and `after` are uint8 [h, w, 3]; each of `times` is in 0..1. Gives uint8 [len(times), h, w, 3]."""
        ...


class FrameUpscaler(Protocol):
    """Enlarges frames by `scale`."""

    @property
    def scale(self) -> int: ...

    def enlarge(self, frames: Frames) -> Frames:
        """uint8 [t, h, w, 3] to uint8 [t, scale·h, scale·w, 3]; memory is that of one tile and the result."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class NetworkInterpolator:
    """A FrameInterpolator around a network."""

    net: Between
    device: torch.device

    @torch.inference_mode()
    def between(self, before: NDArray[np.uint8], after: NDArray[np.uint8], times: Sequence[float]) -> Frames:
        if not times:
            return np.empty((0, *before.shape), np.uint8)
        first, last = _to_pictures(np.stack((before, after)), self.device).chunk(2)
        return _to_frames(self.net.draw(first, last, times))


@dataclass(frozen=True, slots=True, eq=False)
class NetworkUpscaler:
    """A FrameUpscaler around a network, tile by tile."""

    net: Enlarging
    device: torch.device
    tile: int = TILE

    @property
    def scale(self) -> int:
        return self.net.scale

    @torch.inference_mode()
    def enlarge(self, frames: Frames) -> Frames:
        pictures = (_to_pictures(frame[None], self.device) for frame in frames)
        return np.concatenate(
            [_to_frames(upscale_tiled(self.net, p, self.net.scale, self.net.reach, self.tile)) for p in pictures]
        )


def load_interpolator(manifest: NetworkManifest, device: torch.device | None = None) -> NetworkInterpolator:
    """An installed interpolation network, once its file's sha256 is the manifest's."""
    return interpolator_from(manifest.path, manifest.sha256, device)


def load_upscaler(manifest: NetworkManifest, device: torch.device | None = None) -> NetworkUpscaler:
    """An installed upscaling network, once its file's sha256 is the manifest's."""
    return upscaler_from(manifest.path, manifest.sha256, device)


def interpolator_from(file: Path, sha256: str | None = None, device: torch.device | None = None) -> NetworkInterpolator:
    """A safetensors file of our own interpolation network or of RIFE. Raises ModelError for any other."""
    state = _state(file, sha256)
    place = device or torch.device("cpu")
    net: Between
    if is_interpolation(state):
        net = interpolation_from(state)
    elif is_rife(state):
        net = rife_from(state)
    else:
        raise ModelError(f"{file.name}: neither our interpolation network nor RIFE 4.22 to 4.26 by its keys")
    return NetworkInterpolator(net.to(place), place)


def upscaler_from(file: Path, sha256: str | None = None, device: torch.device | None = None) -> NetworkUpscaler:
    """A safetensors file of our own upscaling network, SPAN, SRVGG or ESRGAN. Raises ModelError for any other."""
    state = _state(file, sha256)
    place = device or torch.device("cpu")
    net: Enlarging
    if is_upscaling(state):
        net = upscaling_from(state)
    elif is_span(state):
        net = span_from(state)
    elif is_srvgg(state):
        net = srvgg_from(state)
    elif is_esrgan(state):
        net = esrgan_from(state)
    else:
        raise ModelError(f"{file.name}: neither our upscaling network nor SPAN, SRVGG or ESRGAN by its keys")
    return NetworkUpscaler(net.to(place), place)


def _state(file: Path, sha256: str | None) -> dict[str, Tensor]:
    """The file's tensors, without what trainers write before their names."""
    check_weights(file, sha256)
    try:
        state = load_file(file)
    except SafetensorError as error:
        raise ModelError(f"{file.name}: not a safetensors file", code="unsafe_model") from error
    for prefix in PREFIXES:
        if state and all(name.startswith(prefix) for name in state):
            state = {name.removeprefix(prefix): value for name, value in state.items()}
    return state


def _to_pictures(frames: Frames, device: torch.device) -> Tensor:
    """uint8 [b, h, w, 3], which may be read-only, to float32 [b, 3, h, w] in 0..1."""
    return torch.from_numpy(np.array(frames)).to(device).permute(0, 3, 1, 2).float() / 255.0


def _to_frames(pictures: Tensor) -> Frames:
    """[b, 3, h, w] in 0..1 (what lies outside is cut) to uint8 [b, h, w, 3]."""
    rounded = (pictures.float() * 255.0 + 0.5).clamp(0, 255).byte()
    frames: Frames = rounded.permute(0, 2, 3, 1).contiguous().cpu().numpy()
    return frames
