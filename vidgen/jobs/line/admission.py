"""What fits where: a clip's need by its model's memory table, a worker's capacity, and the nearest clip that fits.

A job that fits no worker is refused before it is stored; one that fits some is taken by those alone. Where a manifest
has no table for a device, or a worker does not know its memory, the job is tried. Knows no rows of jobs.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

from vidgen.errors import SpecError
from vidgen.jobs.views import Capacity
from vidgen.spec import MemoryTier, SamplingFields
from vidgen_models.registry import Manifest

MEGABYTE = 1 << 20
Need = Mapping[str, Mapping[str, int]]
Spec = TypeVar("Spec", bound=SamplingFields)


def memory_need(spec: SamplingFields, manifest: Manifest, *, floors: bool = True) -> dict[str, dict[str, int]]:
    """Megabytes at the peak, by device and tier: `{"cpu": {"full": 812, "low": 640}}`. `spec` is resolved.

    `floors`: also what was never measured, but cannot be less.
    """
    pixel_frames = (spec.width or 0) * (spec.height or 0) * spec.frames_in_memory
    need: dict[str, dict[str, int]] = {}
    for row in (row for row in manifest.memory if row.measured or floors):
        peak = math.ceil(row.base_mb + row.bytes_per_pixel_frame * pixel_frames / MEGABYTE)
        need.setdefault(row.device, {})[row.tier] = peak
    # a model without a row for the lower tier is taken to need as much there
    return {device: {**peaks, "low": peaks.get("low", peaks["full"])} for device, peaks in need.items()}


def fits(need: Mapping[str, Any] | None, capacity: Capacity) -> bool:
    """Whether a job of this need can run there at all."""
    low = (need or {}).get(capacity.device, {}).get(MemoryTier.LOW.word)
    return low is None or capacity.memory_mb is None or low <= capacity.memory_mb


def tier_for(need: Mapping[str, Any] | None, tier: int, capacity: Capacity) -> MemoryTier:
    """The tier at which a job runs on such a worker: its own, or the lower one where only that fits."""
    full = (need or {}).get(capacity.device, {}).get(MemoryTier.FULL.word)
    if full is None or capacity.memory_mb is None or full <= capacity.memory_mb:
        return MemoryTier(tier)
    return MemoryTier.LOW


def admit(spec: SamplingFields, manifest: Manifest, workers: Sequence[Capacity]) -> dict[str, dict[str, int]]:
    """The job's need. Raises SpecError does_not_fit when workers are up and none of them can ever hold it."""
    need = memory_need(spec, manifest)
    if not workers or any(fits(need, worker) for worker in workers):
        return need
    largest = max(workers, key=lambda worker: worker.memory_mb or 0)
    asked = need[largest.device][MemoryTier.LOW.word]
    raise SpecError(
        f"num_frames={spec.num_frames}: {spec.width}×{spec.height} needs {asked} MB, and the largest worker has "
        f"{largest.memory_mb} MB; {_advice(spec, manifest, largest)}",
        field="num_frames",
        nearest=tuple(it.num_frames for it in _shorter(spec, manifest, largest) if it.num_frames),
        code="does_not_fit",
    )


def out_of_memory_advice(spec: SamplingFields, manifest: Manifest, worker: Capacity) -> str:
    """What to tell of a job that ran out of memory at the lower tier: what it needed, what was there, what fits."""
    asked = memory_need(spec, manifest).get(worker.device, {}).get(MemoryTier.LOW.word)
    expected = "" if asked is None else f", where {asked} MB were expected to do"
    there = "" if worker.memory_mb is None else f" with {worker.memory_mb} MB"
    return f"the clip did not fit on {worker.device}{there}{expected}; {_advice(spec, manifest, worker)}"


def _advice(spec: SamplingFields, manifest: Manifest, worker: Capacity) -> str:
    for smaller in (*_shorter(spec, manifest, worker), *_smaller(spec, manifest, worker)):
        peak = memory_need(smaller, manifest)[worker.device][MemoryTier.LOW.word]
        return f"{smaller.num_frames} frames of {smaller.width}×{smaller.height} fit (about {peak} MB)"
    return "no size of this model fits" if worker.device in memory_need(spec, manifest) else "ask for fewer frames"


def _shorter(spec: Spec, manifest: Manifest, worker: Capacity) -> tuple[Spec, ...]:
    """The longest clip of this size that fits and is shorter than the one asked for, if there is one."""
    rule = manifest.rules.frames
    counts = range(rule.min, min(rule.max + 1, spec.num_frames or rule.max), rule.step)
    return _first_fitting(
        (spec.model_copy(update={"num_frames": count}) for count in reversed(counts)), manifest, worker
    )


def _smaller(spec: Spec, manifest: Manifest, worker: Capacity) -> tuple[Spec, ...]:
    """The largest clip of this shape that fits, with the fewest frames."""
    rule, frames = manifest.rules.sides, manifest.rules.frames.min
    longest, width, height = max(spec.width or 0, spec.height or 0), spec.width or 0, spec.height or 0

    def scaled(side: int, to: int) -> int:
        return rule.min + max(0, round((side * to / longest - rule.min) / rule.multiple)) * rule.multiple

    sides = reversed(range(rule.min, longest, rule.multiple))
    sizes = ({"width": scaled(width, to), "height": scaled(height, to), "num_frames": frames} for to in sides)
    return _first_fitting((spec.model_copy(update=size) for size in sizes), manifest, worker)


def _first_fitting(specs: Iterator[Spec], manifest: Manifest, worker: Capacity) -> tuple[Spec, ...]:
    for spec in specs:
        need = memory_need(spec, manifest)
        if worker.device in need and fits(need, worker):
            return (spec,)
    return ()
