"""Ways of making a long clip, compared by the seam measures: the same prompts and seeds, all in one run.

Ours without and with repairs, beside chunks made on their own and put one after the other, the same cross-faded, and
each chunk animated from the last frame of the one before. Every way gives clips of the same length with joints at the
same frames. `--strips FOLDER` keeps a strip of frames of each clip, because numbers do not see everything.
"""

import argparse
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from PIL import Image

from vidgen.media.frames import FrameChunk
from vidgen.quality.seams import Joint, SeamMeter, SeamReport, judge
from vidgen.quality.seams.report import DRIFT, usual_change
from vidgen.quality.seams.series import REACH

CHUNKS, OPENING, NEW, FADE = 8, 25, 12, 8
FRAMES = OPENING + (CHUNKS - 1) * NEW
SPREAD = 4
SUBJECTS = ("cat", "dog", "rocket", "balloon", "fish", "car", "apple", "star", "robot", "umbrella")
MOTIONS = ("spins on a blue background", "moves left on a green background")

Made = tuple[FrameChunk, int]
"""A clip, and how many chunks were made again for it."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--clips", type=int, default=20)
    parser.add_argument("--strips", type=Path, help="a folder for pictures")
    options = parser.parse_args()
    prompts = [f"a {subject} {motion}" for motion in MOTIONS for subject in SUBJECTS][: options.clips]
    os.environ["OMP_NUM_THREADS"] = "1"
    with ProcessPoolExecutor(options.processes, mp_context=get_context("spawn")) as pool:
        jobs = [(number, prompt, options.strips) for number, prompt in enumerate(prompts)]
        results = list(pool.map(_clip, jobs))
    print(f"{len(prompts)} clips of {CHUNKS} chunks, {FRAMES} frames, {len(prompts) * (CHUNKS - 1)} joints each way\n")
    print("\n".join(_table(results)))


def _clip(job: tuple[int, str, Path | None]) -> dict[str, dict[str, Any]]:
    """All ways of one clip, measured."""
    number, prompt, strips = job
    found = {}
    for name, way in WAYS.items():
        frames, again = way(prompt, number + 1)
        meter = SeamMeter()
        meter.add(frames)
        series, joints = meter.series(), _joints(SPREAD if name != "cross-fade" else FADE - 1)
        found[name] = _facts(judge(series, joints)) | {"change": usual_change(series, joints), "again": again}
        if strips is not None:
            strips.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.hstack(frames[:: NEW // 2])).save(strips / f"{number:02d}-{name.replace(' ', '-')}.png")
    print(number, prompt, {name: facts["failed"] for name, facts in found.items()}, flush=True)
    return found


def _joints(spread: int) -> list[Joint]:
    """The first frames of all chunks but the first end the stretches that their joints may spread over."""
    return [Joint(at - spread, at) for at in range(OPENING, FRAMES, NEW)]


def _facts(report: SeamReport) -> dict[str, Any]:
    scores = {
        name: [joint.findings[name].value if name == DRIFT else joint.findings[name].z for joint in report.joints]
        for name in (*REACH, DRIFT)
    }
    missed = {name: [name in joint.failed for joint in report.joints] for name in (*REACH, DRIFT)}
    return {"values": scores, "above": missed, "failed": len(report.failed)}


def _table(results: list[dict[str, dict[str, Any]]]) -> Iterator[str]:
    names = (*REACH, DRIFT)
    yield "| way | " + " | ".join(names) + " | joints above a threshold | made again | change of a step |"
    yield "|" + "---|" * (len(names) + 4)
    for way in WAYS:
        clips = [result[way] for result in results]
        medians = [np.median([value for clip in clips for value in clip["values"][name]]) for name in names]
        above = [np.mean([hit for clip in clips for hit in clip["above"][name]]) for name in names]
        cells = [f"{median:.1f} ({share:.0%})" for median, share in zip(medians, above, strict=True)]
        failed = sum(clip["failed"] for clip in clips) / (len(clips) * (CHUNKS - 1))
        again = sum(clip["again"] for clip in clips)
        change = np.median([clip["change"] for clip in clips])
        yield f"| {way} | " + " | ".join(cells) + f" | **{failed:.0%}** | {again} | {change:.2f} |"


@cache
def _residency() -> Any:
    from vidgen.runtime.threads import wait_without_spinning

    wait_without_spinning()
    import torch

    from vidgen.pipelines import Residency
    from vidgen_models.registry import ModelRegistry

    found = Residency(ModelRegistry())
    torch.set_num_threads(1)
    return found


def _rendered(spec: Any, **context: Any) -> FrameChunk:
    import torch

    from vidgen.pipelines.factory import pipeline_for
    from vidgen.runtime.context import RunContext
    from vidgen.spec import resolve

    residency = _residency()
    resolved = resolve(spec, residency.registry.get(spec.model).rules)
    with torch.inference_mode():
        pieces = pipeline_for(resolved.task, residency.model(resolved.model))(resolved, RunContext(**context))
        return np.concatenate(list(pieces))


@cache
def _store(prompt: str, seed: int) -> Any:  # noqa: ARG001
    """What was made without repairs is found again with them."""
    from vidgen.runtime.chunks import MemoryChunkStore

    return MemoryChunkStore()


def ours(prompt: str, seed: int, *, rerolls: int = 0) -> Made:
    """As `vidgen render --seconds` does it."""
    from vidgen.spec import LongFields, TextToVideo

    told: list[Any] = []
    spec = TextToVideo(prompt=prompt, seed=seed, num_frames=FRAMES, long=LongFields(rerolls=rerolls))

    def note(section: str, entry: Any) -> None:
        if section == "repairs" and entry["attempt"] not in ("first", "colour match"):
            told.append(entry)

    return _rendered(spec, chunks=_store(prompt, seed), note=note), len(told)


def repaired(prompt: str, seed: int) -> Made:
    return ours(prompt, seed, rerolls=1)


def concatenated(prompt: str, seed: int) -> Made:
    """Every chunk on its own, one after the other."""
    pieces = [_alone(prompt, seed, n, OPENING if n == 0 else NEW + 1) for n in range(CHUNKS)]
    return np.concatenate([pieces[0], *(piece[:NEW] for piece in pieces[1:])]), 0


def faded(prompt: str, seed: int) -> Made:
    """Every chunk on its own, each laid over the end of the one before."""
    clip = _alone(prompt, seed, 0, OPENING).astype(np.float32)
    ramp = ((np.arange(FADE) + 1) / (FADE + 1))[:, None, None, None]
    for n in range(1, CHUNKS):
        piece = _alone(prompt, seed, n, FADE + NEW + 1)[: FADE + NEW].astype(np.float32)
        clip[-FADE:] = clip[-FADE:] * (1 - ramp) + piece[:FADE] * ramp
        clip = np.concatenate([clip, piece[FADE:]])
    return np.round(clip).astype(np.uint8), 0


def chained(prompt: str, seed: int) -> Made:
    """Every chunk animates the last frame of the one before."""
    from vidgen.spec import ImageToVideo, MediaRef

    clip, last = _alone(prompt, seed, 0, OPENING), MediaRef(upload_id="upl_last")
    for n in range(1, CHUNKS):
        with TemporaryDirectory() as folder:
            picture = Path(folder) / "last.png"
            Image.fromarray(clip[-1]).save(picture)
            spec = ImageToVideo(prompt=prompt, image=last, seed=_seed(seed, n), num_frames=NEW + 1)
            clip = np.concatenate([clip, _rendered(spec, media={last.key: picture})[1:]])
    return clip, 0


def _alone(prompt: str, seed: int, n: int, frames: int) -> FrameChunk:
    from vidgen.spec import TextToVideo

    return _rendered(TextToVideo(prompt=prompt, seed=_seed(seed, n), num_frames=frames))


def _seed(seed: int, n: int) -> int:
    return seed if n == 0 else 1000 * seed + n


WAYS: dict[str, Callable[[str, int], Made]] = {
    "vidgen": ours,
    "vidgen, repaired": repaired,
    "concatenation": concatenated,
    "cross-fade": faded,
    "last frame": chained,
}


if __name__ == "__main__":
    main()
