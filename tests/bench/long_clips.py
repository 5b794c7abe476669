"""Memory and time of long clips by length: each length in a process of its own, with its chunks on disk.

Prints both curves, and fails when the longest clip's peak is more than a tenth above the shortest's, or when a frame of
it takes twice the processor time of a frame of the shortest.
"""

import argparse
import json
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

SECONDS = (5.0, 15.0, 30.0, 60.0)
MOST_MEMORY, MOST_TIME = 1.1, 2.0
PROMPT = "a cat spins on a blue background"


def measure(seconds: float, steps: int | None, keep: Path | None) -> dict[str, float]:
    """Render one clip here: frames, seconds without loading, processor seconds, peak resident megabytes, its seams."""
    from vidgen.runtime.threads import wait_without_spinning

    wait_without_spinning()  # before torch is loaded, as every process of the service does
    from vidgen.pipelines import Residency, render
    from vidgen.runtime.chunks import FolderChunkStore
    from vidgen.runtime.context import RunContext
    from vidgen.spec import TextToVideo, resolve
    from vidgen_models.registry import ModelRegistry

    residency = Residency(ModelRegistry())
    asked = TextToVideo(prompt=PROMPT, seed=1, seconds=seconds, num_inference_steps=steps)
    spec = resolve(asked, residency.registry.get(asked.model).rules)
    residency.model(spec.model)
    with TemporaryDirectory() as folder:
        started, worked = time.perf_counter(), time.process_time()
        ctx = RunContext(chunks=FolderChunkStore(Path(folder) / "chunks"))
        frames = render(spec, ctx, Path(folder), residency).video.num_frames or 0
        taken, worked = time.perf_counter() - started, time.process_time() - worked
        seams = json.loads((Path(folder) / "seams.json").read_text())
        if keep is not None:
            for name in ("video.mp4", "seams.json", "seams.svg", "sprite_sheet.jpg"):
                shutil.copy(Path(folder) / name, keep / f"{seconds:g}s-{name}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        "seconds": seconds,
        "frames": frames,
        "taken": taken,
        "cpu": worked,
        "peak_mb": peak,
        "joints": len(seams["joints"]),
        "above": seams["verdicts"]["fail"],
        "repairs": sum(entry["attempt"] != "first" for entry in seams["repairs"]),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, help="denoising steps; the default is the model's")
    parser.add_argument("--keep", type=Path, help="a folder for the clips and their seam reports")
    parser.add_argument("--one", type=float, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one is not None:
        print(json.dumps(measure(arguments.one, arguments.steps, arguments.keep)))
        return 0
    heads = f"{'clip':>6}{'frames':>8}{'seconds':>10}{'cpu ms a frame':>16}{'peak MB':>10}"
    print(heads + f"{'joints':>8}{'above':>7}{'repairs':>9}")
    rows = []
    for seconds in SECONDS:
        steps = [] if arguments.steps is None else ["--steps", str(arguments.steps)]
        steps += [] if arguments.keep is None else ["--keep", str(arguments.keep)]
        command = [sys.executable, "-m", "tests.bench.long_clips", "--one", str(seconds), *steps]
        printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        row = json.loads(printed.splitlines()[-1])
        rows.append(row)
        each = 1000 * row["cpu"] / row["frames"]
        told = f"{row['joints']:8}{row['above']:7}{row['repairs']:9}"
        print(
            f"{seconds:5.0f}s{row['frames']:8}{row['taken']:10.1f}{each:16.0f}{row['peak_mb']:10.0f}{told}", flush=True
        )
    memory = rows[-1]["peak_mb"] / rows[0]["peak_mb"]
    pace = (rows[-1]["cpu"] / rows[-1]["frames"]) / (rows[0]["cpu"] / rows[0]["frames"])
    print(f"longest against shortest: memory {memory:.3f}, time of a frame {pace:.2f}")
    return 0 if memory <= MOST_MEMORY and pace <= MOST_TIME else 1


if __name__ == "__main__":
    sys.exit(main())
