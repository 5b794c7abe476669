"""Peak memory of runs, for a manifest's memory table: each size and tier in a process of its own, then a line fitted.

`python -m tests.bench.memory [MODEL]` prints the rows to write into the manifest. On a CPU the peak is the process's
largest resident set (VmHWM), on CUDA what torch's allocator held at most.
"""

import json
import subprocess
import sys
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

from vidgen.runtime.threads import wait_without_spinning
from vidgen.spec import ImageToVideo, MediaRef, MemoryTier, resolve
from vidgen_models.registry import Manifest, ModelRegistry

MEGABYTE = 1 << 20
# a fit through the middle would be too low for half of the runs
MARGIN = 1.05


def main(model_id: str) -> None:
    manifest = ModelRegistry().get(model_id)
    for tier in MemoryTier:
        found = [_in_own_process(model_id, tier, frames, side) for frames, side in _sizes(manifest)]
        device, points = found[0]["device"], [(it["pixel_frames"], it["peak_bytes"]) for it in found]
        slope, base = _line(points)
        worst = max(peak - (base + slope * n) for n, peak in points)
        for n, peak in points:
            print(f"# {tier.word}: {n} pixel·frames, {peak / MEGABYTE:.0f} MB")
        print("[[memory]]")
        print(f'device = "{device}"\ntier = "{tier.word}"')
        print(f"base_mb = {(base + max(worst, 0)) * MARGIN / MEGABYTE:.0f}")
        print(f"bytes_per_pixel_frame = {slope * MARGIN:.0f}")


def measure(model_id: str, tier: MemoryTier, frames: int, side: int) -> dict[str, object]:
    """The peak of one image-to-video run, the task that needs most: it encodes a condition and uses every network."""
    wait_without_spinning()
    import numpy as np
    import torch
    from PIL import Image

    from vidgen.pipelines import Residency, render
    from vidgen.runtime.context import RunContext

    registry = ModelRegistry()
    with TemporaryDirectory() as folder:
        picture = Path(folder) / "picture.png"
        Image.fromarray(np.full((side, side, 3), 90, np.uint8)).save(picture)
        ref = MediaRef(upload_id="upl_x")
        asked = ImageToVideo(
            model=model_id, prompt="a cat", image=ref, width=side, height=side, num_frames=frames, num_inference_steps=2
        )
        spec = resolve(asked, registry.get(model_id).rules)
        residency = Residency(registry)
        render(spec, RunContext(media={ref.key: picture}, memory_tier=tier), Path(folder), residency)
    on_cuda = residency.device.type == "cuda"
    peak = torch.cuda.max_memory_reserved() if on_cuda else _largest_resident_set()
    return {"device": residency.device.type, "pixel_frames": side * side * frames, "peak_bytes": peak}


def _largest_resident_set() -> int:
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


def _sizes(manifest: Manifest) -> list[tuple[int, int]]:
    frames, sides = manifest.rules.frames, manifest.rules.sides
    counts = sorted({frames.min, frames.default, frames.max})
    return list(product(counts, sorted({sides.min, sides.max})))


def _in_own_process(model_id: str, tier: MemoryTier, frames: int, side: int) -> dict[str, object]:
    command = [sys.executable, "-m", "tests.bench.memory", model_id, str(int(tier)), str(frames), str(side)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
    found: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return found


def _line(points: list[tuple[float, float]]) -> tuple[float, float]:
    """Slope and base of the least-squares line; never falling."""
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    slope = max(0.0, sum((x - mean_x) * (y - mean_y) for x, y in points) / spread)
    return slope, mean_y - slope * mean_x


if __name__ == "__main__":
    if len(sys.argv) > 2:
        model, tier, frames, side = sys.argv[1], MemoryTier(int(sys.argv[2])), int(sys.argv[3]), int(sys.argv[4])
        print(json.dumps(measure(model, tier, frames, side)))
    else:
        main(sys.argv[1] if len(sys.argv) > 1 else "sprites-64")
