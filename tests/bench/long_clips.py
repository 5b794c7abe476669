"""Memory and time of long clips by length: each length in a process of its own, with its chunks on disk.

Prints both curves. Attempts beyond a chunk's first are timed apart: how many a clip takes is chance, and no part of how
time grows with length. Fails when the longest clip's peak is more than a tenth above the shortest's, when a frame of it
takes more than MOST_TIME of the processor time of a frame of the shortest (attempts aside), or when a length's time is
more than OFF_THE_LINE away from one line through all of them.
"""

import argparse
import json
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

    from vidgen.runtime.chunks import ChunkStore

SECONDS = (5.0, 15.0, 30.0, 60.0)
MOST_MEMORY, MOST_TIME, OFF_THE_LINE = 1.1, 1.5, 0.2
"""Processor time of the same work differs by a quarter with what else the cores do, which these must bear."""
PROMPT = "a cat spins on a blue background"
KEPT = ("video.mp4", "seams.json", "seams.svg", "sprite_sheet.jpg")


class Timed:
    """A chunk store that counts the processor time of attempts beyond a chunk's first, from its miss to its commit."""

    def __init__(self, store: "ChunkStore") -> None:
        self._store, self._begun, self.again = store, 0.0, 0.0

    def load(self, n: int, fingerprint: str) -> "dict[str, Tensor] | None":
        self._begun = time.process_time()
        return self._store.load(n, fingerprint)

    def commit(
        self, n: int, fingerprint: str, tensors: "Mapping[str, Tensor]", *, seed: int, about: Mapping[str, Any]
    ) -> None:
        from vidgen.longvideo.repair import NUMBERS_APART

        self._store.commit(n, fingerprint, tensors, seed=seed, about=about)
        if n >= NUMBERS_APART:
            self.again += time.process_time() - self._begun

    def seal(self, contents: Mapping[str, Any]) -> None:
        self._store.seal(contents)

    def show(self, n: int, jpeg: bytes) -> None:
        self._store.show(n, jpeg)


def measure(seconds: float, steps: int | None, keep: Path | None) -> dict[str, float]:
    """Render one clip here: frames, seconds without loading, processor seconds, peak resident megabytes, its seams.

    `again` are the processor seconds of attempts beyond the first.
    """
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
        store = Timed(FolderChunkStore(Path(folder) / "chunks"))
        ctx = RunContext(chunks=store)
        frames = render(spec, ctx, Path(folder), residency).video.num_frames or 0
        taken, worked = time.perf_counter() - started, time.process_time() - worked
        seams = json.loads((Path(folder) / "seams.json").read_text())
        if keep is not None:
            keep.mkdir(parents=True, exist_ok=True)
            for name in KEPT:
                shutil.copy(Path(folder) / name, keep / f"{seconds:g}s-{name}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        "seconds": seconds,
        "frames": frames,
        "taken": taken,
        "first": worked - store.again,
        "again": store.again,
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
    print("| clip | frames | seconds | first attempts, ms a frame | further ones | peak MB | joints above | attempts |")
    print("|" + "---|" * 8)
    rows = [_in_a_process(seconds, arguments.steps, arguments.keep) for seconds in SECONDS]
    return _verdict(rows)


def _in_a_process(seconds: float, steps: int | None, keep: Path | None) -> dict[str, float]:
    options = [] if steps is None else ["--steps", str(steps)]
    options += [] if keep is None else ["--keep", str(keep)]
    command = [sys.executable, "-m", "tests.bench.long_clips", "--one", str(seconds), *options]
    printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    row: dict[str, float] = json.loads(printed.splitlines()[-1])
    first, again = (1000 * row[name] / row["frames"] for name in ("first", "again"))
    print(
        f"| {seconds:g} s | {row['frames']} | {row['taken']:.0f} | {first:.0f} | {again:.0f} | {row['peak_mb']:.0f} "
        f"| {row['above']} of {row['joints']} | {row['repairs']} |",
        flush=True,
    )
    return row


def _verdict(rows: list[dict[str, float]]) -> int:
    """Prints how memory and time grow; 1 when either grows more than it may."""
    frames, first = (np.array([row[name] for row in rows]) for name in ("frames", "first"))
    memory = rows[-1]["peak_mb"] / rows[0]["peak_mb"]
    pace = (first[-1] / frames[-1]) / (first[0] / frames[0])
    each, begin = np.polyfit(frames, first, 1)
    off = float(np.max(np.abs(first - begin - each * frames) / first))
    print(f"\nlongest against shortest: memory {memory:.3f}, first attempts a frame {pace:.2f}")
    print(f"first attempts: {1000 * each:.0f} ms a frame and {begin:.1f} s; farthest from that line {off:.0%}")
    return 0 if memory <= MOST_MEMORY and pace <= MOST_TIME and off <= OFF_THE_LINE else 1


if __name__ == "__main__":
    sys.exit(main())
