"""What a model's networks take of a device's memory, and at which tier they would lie there. Reads headers only.

Weights are a floor: what a clip takes beside them is measured, not estimated (`tests/bench/memory.py`).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from vidgen.families import adapter
from vidgen.spec import MemoryTier
from vidgen_models.registry import Manifest, MemoryRow
from vidgen_models.single_file import names_of, part_of

Device = Literal["cpu", "cuda"]
MEGABYTE = 1 << 20
BYTES: Mapping[Device, int] = {"cpu": 4, "cuda": 2}
"""Of a weight, in the number format that the device computes in."""
FULL, EIGHT_BITS = 4, 1
DENOISERS = ("transformer", "transformer_2", "unet")


@dataclass(frozen=True, slots=True)
class MemoryPlan:
    """How a model would lie on a device of `memory_mb`; `tier` None: its largest network alone is too large."""

    tier: MemoryTier | None
    at_once_mb: int
    advice: str


def network_megabytes(manifest: Manifest, device: Device) -> dict[str, int]:
    """Megabytes of every network of a model on such a device."""
    family: Any = adapter(manifest.family)
    names = [name for name, kind in family.components.items() if _has_weights(kind)]
    counted = {name: _weights(manifest, name) for name in names}
    width = {name: _width(manifest, family, name, device) for name in names}
    return {name: math.ceil(counted[name] * width[name] / MEGABYTE) for name in names if counted[name]}


def floor_rows(manifest: Manifest) -> tuple[MemoryRow, ...]:
    """What a run cannot do without, by device and tier; the lower tier moves networks on GPUs alone."""
    cpu, cuda = network_megabytes(manifest, "cpu"), network_megabytes(manifest, "cuda")
    row = partial(MemoryRow, bytes_per_pixel_frame=0.0, measured=False)
    return (
        row(device="cpu", tier="full", base_mb=sum(cpu.values())),
        row(device="cuda", tier="full", base_mb=sum(cuda.values())),
        row(device="cuda", tier="low", base_mb=max(cuda.values(), default=0)),
    )


def plan_for(manifest: Manifest, device: Device, memory_mb: int) -> MemoryPlan:
    """The richest tier whose weights fit, or what would make them fit."""
    sizes = network_megabytes(manifest, device)
    everything, largest = sum(sizes.values()), max(sizes.values(), default=0)
    if everything <= memory_mb:
        return MemoryPlan(MemoryTier.FULL, everything, "all networks stay on the device")
    if device == "cuda" and largest <= memory_mb:
        return MemoryPlan(MemoryTier.LOW, largest, "one network is on the device at a time; the others wait in memory")
    return MemoryPlan(None, largest if device == "cuda" else everything, _advice(manifest, device, memory_mb))


def _advice(manifest: Manifest, device: Device, memory_mb: int) -> str:
    lighter = manifest.model_copy(update={"weights": "float8"})
    if manifest.weights == "own" and hasattr(adapter(manifest.family), "hold_in_float8"):
        sizes = network_megabytes(lighter, device).values()
        if (max(sizes) if device == "cuda" else sum(sizes)) <= memory_mb:
            return "does not fit; add it again with --weights float8, which does"
    return "does not fit; a smaller checkpoint or a larger device is needed"


def _has_weights(kind: Any) -> bool:
    return hasattr(kind[0] if isinstance(kind, tuple) else kind, "state_dict")


def _width(manifest: Manifest, family: Any, name: str, device: Device) -> int:
    if manifest.weights == "float8" and name in DENOISERS:
        return EIGHT_BITS
    return FULL if name in getattr(family, "full_precision", {"vae"}) else BYTES[device]


def _weights(manifest: Manifest, name: str) -> int:
    """How many numbers a component has."""
    single = manifest.replaced.get(name)
    if single is not None:
        return sum(tensor.numel() for tensor in part_of(name, names_of(single)).values())
    files = sorted((manifest.path / name).glob("*.safetensors"))
    return sum(tensor.numel() for file in files for tensor in names_of(file).values())
