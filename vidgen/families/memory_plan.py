"""What a model's networks take of a device's memory, and the ways in which they could lie there. Reads headers only.

Weights are a floor: what a clip takes beside them is measured, not estimated (`tests/bench/memory.py`).
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from vidgen.families import adapter
from vidgen.families.component_class import DENOISERS, TEXT_ENCODERS
from vidgen.spec import MemoryTier
from vidgen_models.registry import Manifest, MemoryRow, Weights
from vidgen_models.single_file import Stored, part_of, stored_in

Device = Literal["cpu", "cuda"]
Offload = Literal["networks", "layers"]
MEGABYTE = 1 << 20
BYTES: Mapping[Device, int] = {"cpu": 4, "cuda": 2}
"""Of a weight, in the number format that the device computes in."""
FULL = 4
HELD: Mapping[str, float] = {"float8": 1, "int8": 1, "nf4": 0.5}
"""Bytes of a weight that is held in fewer bits."""


@dataclass(frozen=True, slots=True)
class Way:
    """How a model could lie on a device: `at_once_mb` of its weights are there together, and what was measured of a
    run beside them."""

    weights: Weights
    tier: MemoryTier
    offload: Offload
    at_once_mb: int

    @property
    def words(self) -> str:
        """What it costs, for people."""
        rounded = "" if self.weights == "own" else f"weights held as {self.weights}, the clip nearly the same; "
        if self.tier is MemoryTier.FULL:
            return rounded + "all networks stay on the device"
        moved = "network" if self.offload == "networks" else "layer"
        return f"{rounded}one {moved} is on the device at a time, the others wait in memory; slower"


def network_megabytes(manifest: Manifest, device: Device) -> dict[str, int]:
    """Megabytes of every network of a model on such a device."""
    sizes = {name: sum(tensors) for name, tensors in _tensor_bytes(manifest, device).items()}
    return {name: math.ceil(size / MEGABYTE) for name, size in sizes.items() if size}


def floor_rows(manifest: Manifest) -> tuple[MemoryRow, ...]:
    """What a run cannot do without, by device and tier; the lower tier moves networks or layers on GPUs alone."""
    row = partial(MemoryRow, bytes_per_pixel_frame=0.0, measured=False)
    return (
        row(device="cpu", tier="full", base_mb=_at_once(manifest, "cpu", MemoryTier.FULL)),
        row(device="cuda", tier="full", base_mb=_at_once(manifest, "cuda", MemoryTier.FULL)),
        row(device="cuda", tier="low", base_mb=_at_once(manifest, "cuda", MemoryTier.LOW)),
    )


def ways(manifest: Manifest, device: Device) -> tuple[Way, ...]:
    """Every way, the best first: those with the same clips and speed, then slower ones, then rounded weights."""
    return tuple(_ways(manifest, device))


def plan_for(manifest: Manifest, device: Device, memory_mb: int) -> Way | None:
    """The best way whose weights fit, None where there is none."""
    return next((way for way in ways(manifest, device) if way.at_once_mb <= memory_mb), None)


def _ways(manifest: Manifest, device: Device) -> Iterator[Way]:
    family: Any = adapter(manifest.family)
    low = device == "cuda"
    rounded = [form for form in ("int8", "nf4") if manifest.weights == "own" and form in family.holdable]

    def way(weights: Any, tier: MemoryTier, offload: Offload = "networks") -> Way:
        beside = _beside(manifest, device, tier)
        asked = manifest.model_copy(
            update={"weights": weights, "running": manifest.running.model_copy(update={"offload": offload})}
        )
        return Way(weights, tier, offload, _at_once(asked, device, tier) + beside)

    for weights in (manifest.weights, *rounded):
        yield way(weights, MemoryTier.FULL)
        if low:
            yield way(weights, MemoryTier.LOW)
        if low and weights == (rounded[0] if rounded else manifest.weights) and family.moves_layers:
            yield way(manifest.weights, MemoryTier.LOW, "layers")


def _beside(manifest: Manifest, device: Device, tier: MemoryTier) -> int:
    """What a run was measured to take beside the weights, whatever the clip; 0 where nobody measured."""
    rows = [row for row in manifest.memory if row.measured and (row.device, row.tier) == (device, tier.word)]
    return max((math.ceil(row.base_mb) - _at_once(manifest, device, tier) for row in rows), default=0)


def _at_once(manifest: Manifest, device: Device, tier: MemoryTier) -> int:
    tensors = _tensor_bytes(manifest, device)
    sizes = [sum(found) for found in tensors.values()]
    if tier is MemoryTier.FULL or device == "cpu":
        return math.ceil(sum(sizes) / MEGABYTE)
    if manifest.running.offload == "networks":
        return math.ceil(max(sizes, default=0) / MEGABYTE)
    moved = {name: found for name, found in tensors.items() if name in (*DENOISERS, *TEXT_ENCODERS)}
    staying = sum(sum(found) for name, found in tensors.items() if name not in moved)
    return math.ceil((staying + max((max(found, default=0) for found in moved.values()), default=0)) / MEGABYTE)


def _tensor_bytes(manifest: Manifest, device: Device) -> dict[str, list[float]]:
    """Bytes of every tensor on such a device, by network."""
    family: Any = adapter(manifest.family)
    names = [name for name, kind in family.components.items() if _has_weights(kind)]
    return {
        name: [_bytes_of(stored, _width(manifest, family, name, device)) for stored in _stored(manifest, name)]
        for name in names
    }


def _bytes_of(stored: Stored, width: float) -> float:
    return stored.packed_bytes or stored.numel * width


def _has_weights(kind: Any) -> bool:
    return hasattr(kind[0] if isinstance(kind, tuple) else kind, "state_dict")


def _width(manifest: Manifest, family: Any, name: str, device: Device) -> float:
    lighter = DENOISERS if manifest.weights == "float8" else (*DENOISERS, *TEXT_ENCODERS)
    if manifest.weights != "own" and name in lighter:
        return HELD[manifest.weights]
    return FULL if name in getattr(family, "full_precision", {"vae"}) else BYTES[device]


def _stored(manifest: Manifest, name: str) -> list[Stored]:
    """Every tensor of a component, as it lies in its file."""
    single = manifest.replaced.get(name)
    if single is not None:
        return list(part_of(name, stored_in(single)).values())
    files = sorted((manifest.path / name).glob("*.safetensors"))
    return [stored for file in files for stored in stored_in(file).values()]
