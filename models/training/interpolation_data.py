"""Batches of frame triplets: drawn scenes, prepared once on disk, and runs of the film; turned and mirrored at random.

The prepared file `scenes-<side>.bin` grows until it holds what was asked for, so a killed preparation goes on.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from training.film import Film
from training.moving_scenes import FLOW_CELL, Triplet, film_ground, load_sprites, plain_ground, random_triplet

TIMES = (0.5, 0.5, 0.5, 0.25, 0.75, 0.125, 0.375, 0.625, 0.875)
SPANS = (2, 2, 2, 2, 4, 6)  # frames of the film between the first and the last of a triplet
PLAIN = 0.2  # share of scenes over a plain ground, as the video model draws them


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """`frames` [b, 3, 3, h, w] in 0..1 (first, middle, last), `drawn` [b] whether it is a scene and not film, `time`
    [b]."""

    frames: Tensor
    drawn: Tensor
    time: Tensor


class Scenes:
    """`count` drawn triplets of `side` pixels, in a file that is made when it is missing."""

    def __init__(self, work: Path, cache: Path, film: Film, side: int, count: int) -> None:
        cells = side // FLOW_CELL
        self.kind = np.dtype(
            [("frames", np.uint8, (3, side, side, 3)), ("flow", np.float16, (4, cells, cells)), ("time", np.float32)]
        )
        path = work / f"scenes-{side}.bin"
        done = path.stat().st_size // self.kind.itemsize if path.exists() else 0
        if done < count:
            sprites, ground = load_sprites(cache, held_out=False), film_ground(film, film.trained())
            with path.open("r+b" if done else "wb") as file:
                file.seek(done * self.kind.itemsize)
                for number in range(done, count):
                    rng = np.random.default_rng([side, number])
                    over = plain_ground if rng.uniform() < PLAIN else ground
                    scene = random_triplet(sprites, over, side, float(rng.choice(TIMES)), rng)
                    file.write(self._record(scene).tobytes())
        self.records = np.memmap(path, self.kind, "r", shape=(count,))

    def _record(self, scene: Triplet) -> NDArray[np.void]:
        record = np.zeros((), self.kind)
        record["frames"], record["flow"], record["time"] = scene.frames, scene.flow, scene.time
        return record

    def sample(self, rng: np.random.Generator) -> Triplet:
        record = self.records[rng.integers(len(self.records))]
        return Triplet(record["frames"], record["flow"], float(record["time"]))


def film_triplet(film: Film, runs: NDArray[np.int64], side: int, rng: np.random.Generator) -> Triplet:
    """Three frames of a run and a random square of them; no flow is known."""
    run = film.runs[runs[rng.integers(len(runs))]]
    span = int(rng.choice(SPANS))
    start, inner = int(rng.integers(0, len(run) - span)), int(rng.integers(1, span))
    y, x = (int(rng.integers(0, room - side + 1)) for room in run.shape[1:3])
    frames = run[[start, start + inner, start + span], y : y + side, x : x + side]
    return Triplet(frames, np.zeros((4, side // FLOW_CELL, side // FLOW_CELL), np.float16), inner / span)


def turned(scene: Triplet, rng: np.random.Generator) -> Triplet:
    """The same scene mirrored, turned or played backwards at random; its flow follows."""
    frames, flow, time = scene.frames, scene.flow, scene.time
    if rng.uniform() < 0.5:
        frames, flow = frames[:, :, ::-1], flow[:, :, ::-1] * np.array([-1, 1, -1, 1], np.float16)[:, None, None]
    if rng.uniform() < 0.5:
        frames, flow = frames[:, ::-1], flow[:, ::-1] * np.array([1, -1, 1, -1], np.float16)[:, None, None]
    if rng.uniform() < 0.5:
        frames, flow = frames.swapaxes(1, 2), flow.swapaxes(1, 2)[[1, 0, 3, 2]]
    if rng.uniform() < 0.5:
        frames, flow, time = frames[::-1], flow[[2, 3, 0, 1]], 1 - time
    return Triplet(frames, flow, time)


def batch(scenes: list[Triplet], drawn: list[bool]) -> Batch:
    frames = torch.from_numpy(np.stack([np.ascontiguousarray(s.frames) for s in scenes]))
    return Batch(
        frames.permute(0, 1, 4, 2, 3).float() / 255,
        torch.tensor(drawn),
        torch.tensor([s.time for s in scenes], dtype=torch.float32),
    )


def random_batch(scenes: Scenes, film: Film, size: int, film_share: float, rng: np.random.Generator) -> Batch:
    side = scenes.kind["frames"].shape[1]
    drawn = [bool(rng.uniform() >= film_share) for _ in range(size)]
    taken = [scenes.sample(rng) if d else film_triplet(film, film.trained(), side, rng) for d in drawn]
    return batch([turned(t, rng) for t in taken], drawn)
