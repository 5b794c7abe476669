"""All clips of the comparison, made in one run and kept as raw frames, to be looked at and measured again."""

import os
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from tests.bench.seams.ways import WAYS, Made, Scene


def make_clips(folder: Path, scenes: list[Scene], processes: int) -> None:
    """Every scene in every way; frames at 64 pixels take about 40 MB for ten scenes."""
    folder.mkdir(parents=True, exist_ok=True)
    os.environ["OMP_NUM_THREADS"] = "1"
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        for told in pool.map(partial(_make, folder), scenes):
            print(told, flush=True)


def kept(folder: Path, scene: Scene, way: str) -> Made:
    with np.load(_file(folder, scene, way)) as found:
        return Made(found["frames"], int(found["again"]))


def _make(folder: Path, scene: Scene) -> str:
    for way, make in WAYS.items():
        made = make(scene)
        np.savez_compressed(_file(folder, scene, way), frames=made.frames, again=made.again)
    return f"{scene.seed:02d} {', then '.join(scene.prompts)}"


def _file(folder: Path, scene: Scene, way: str) -> Path:
    return folder / f"{scene.seed:02d}-{way.replace(',', '').replace(' ', '-')}.npz"
