"""Pairs of large and small pictures: drawn scenes and film, made small and damaged in the ways that vidgen meets.

Pairs are prepared once in `pairs-x<scale>-<damage>.bin`; a record is a small square of SIDE pixels and its large one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from training.degradations import Autoencoder, Frames, made_small, through_h264
from training.film import Film
from training.moving_scenes import Picture, draw, film_ground, plain_ground, random_layers
from vidgen_models.registry import SHIPPED_WEIGHTS

SIDE = 64
CANVAS = 256
FRAMES = 5
PLAIN = 0.4  # share of scenes over a plain ground
SHARES = {"clean": 0.55, "h264": 0.2, "autoencoder": 0.25}
CLIPS = {"clean": 900, "h264": 110, "autoencoder": 110}
FILM_SHARE = {"clean": 0.5, "h264": 0.5, "autoencoder": 0.25}
CRF = (16, 32)


@dataclass(frozen=True, slots=True)
class Material:
    """Where clips are taken from: sprites, and runs of the film."""

    sprites: list[Picture]
    film: Film
    runs: NDArray[np.int64]

    def clip(self, film_share: float, frames: int, side: int, rng: np.random.Generator) -> Frames:
        """[frames, side, side, 3]: a run of the film or a drawn scene."""
        if rng.uniform() < film_share:
            run = self.film.runs[self.runs[rng.integers(len(self.runs))]]
            x = int(rng.integers(0, run.shape[2] - CANVAS + 1))
            y = 0 if side == CANVAS else int(rng.integers(0, CANVAS - side + 1))
            return np.ascontiguousarray(run[:frames, y : y + side, x : x + side])
        ground = plain_ground if rng.uniform() < PLAIN else film_ground(self.film, self.runs)
        layers = random_layers(self.sprites, ground, side, rng)
        return np.stack([draw(layers, t, side)[0] for t in np.linspace(0, 1, frames)])


class Pairs:
    """The prepared pairs of one scale and one kind of damage; `material` is asked for only when they are missing."""

    def __init__(self, work: Path, material: Callable[[], Material], scale: int, damage: str) -> None:
        large = SIDE * scale
        self.kind = np.dtype([("small", np.uint8, (SIDE, SIDE, 3)), ("large", np.uint8, (large, large, 3))])
        path = work / f"pairs-x{scale}-{damage}.bin"
        if not path.exists():
            partial = path.with_suffix(".part")
            with partial.open("wb") as file:
                for small, big in _pairs(material(), scale, damage):
                    record = np.zeros((), self.kind)
                    record["small"], record["large"] = small, big
                    file.write(record.tobytes())
            partial.rename(path)
        self.records = np.memmap(path, self.kind, "r")

    def sample(self, crop: int, scale: int, rng: np.random.Generator) -> tuple[Frames, Frames]:
        """A random square of `crop` small pixels, mirrored and turned at random, and its large one."""
        record = self.records[rng.integers(len(self.records))]
        y, x = rng.integers(0, SIDE - crop + 1, 2)
        small = record["small"][y : y + crop, x : x + crop]
        large = record["large"][y * scale : (y + crop) * scale, x * scale : (x + crop) * scale]
        if rng.uniform() < 0.5:
            small, large = small[:, ::-1], large[:, ::-1]
        if rng.uniform() < 0.5:
            small, large = small[::-1], large[::-1]
        if rng.uniform() < 0.5:
            small, large = small.swapaxes(0, 1), large.swapaxes(0, 1)
        return small, large


def _pairs(material: Material, scale: int, damage: str) -> Iterator[tuple[Frames, Frames]]:
    rng = np.random.default_rng([scale, sorted(SHARES).index(damage)])
    autoencoder = Autoencoder(SHIPPED_WEIGHTS / "sprites-64") if damage == "autoencoder" else None
    for number in range(CLIPS[damage]):
        # the video model draws at 64 pixels: every second of its clips is seen at that size
        side = SIDE * scale if damage == "autoencoder" and number % 2 else CANVAS
        clip = material.clip(FILM_SHARE[damage], 1 if damage == "clean" else FRAMES, side, rng)
        small = damaged(made_small(clip, scale), damage, rng, autoencoder)
        for at in {0, len(clip) - 2} if len(clip) > 1 else {0}:
            yield from _squares(small[at], clip[at], scale)


def damaged(small: Frames, damage: str, rng: np.random.Generator, autoencoder: Autoencoder | None) -> Frames:
    if damage == "h264":
        return through_h264(small, int(rng.integers(CRF[0], CRF[1] + 1)))
    return autoencoder(small) if damage == "autoencoder" and autoencoder else small


def _squares(small: Frames, large: Frames, scale: int) -> Iterator[tuple[Frames, Frames]]:
    for y in range(0, small.shape[0], SIDE):
        for x in range(0, small.shape[1], SIDE):
            big = large[y * scale : (y + SIDE) * scale, x * scale : (x + SIDE) * scale]
            yield small[y : y + SIDE, x : x + SIDE], big


def random_batch(
    pairs: dict[str, Pairs], size: int, crop: int, scale: int, rng: np.random.Generator
) -> tuple[Tensor, Tensor, list[str]]:
    """Small pictures, large pictures (both [b, 3, h, w] in 0..1), and how each was damaged."""
    kinds = [str(k) for k in rng.choice(list(SHARES), size, p=list(SHARES.values()))]
    drawn = [pairs[k].sample(crop, scale, rng) for k in kinds]
    return to_pictures([s for s, _ in drawn]), to_pictures([b for _, b in drawn]), kinds


def to_pictures(frames: list[Frames]) -> Tensor:
    """uint8 [h, w, 3] each, to float32 [b, 3, h, w] in 0..1."""
    stacked = torch.from_numpy(np.stack([np.ascontiguousarray(f) for f in frames]))
    return stacked.permute(0, 3, 1, 2).float().contiguous(memory_format=torch.channels_last) / 255
