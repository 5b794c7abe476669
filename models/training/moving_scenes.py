"""Draws triplets of frames whose motion is known exactly: sprites that move, turn and grow, over film under a camera.

Every layer (the ground and each sprite) has a pose that changes evenly in time, so the frame at any time between two
frames, and where each of its pixels lies in both of them, follow from geometry. Knows no network.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from training.film import Film
from training.sources import sprite_files

SPRITE_SIDE = 256
SUPERSAMPLING = 2  # scenes are drawn so many times larger and then averaged down, so that motion does not shimmer
FLOW_CELL = 4  # flows are kept at a quarter of the frame's size
HOLD_OUT = 8  # one sprite in so many is never trained on

Picture = NDArray[np.uint8]
Ground = Callable[[np.random.Generator], Picture]


@dataclass(frozen=True, slots=True)
class Triplet:
    """`frames` uint8 [3, h, w, 3] at times 0, `time` and 1; `flow` float16 [4, h/4, w/4] in pixels, from the middle
    frame to the first (x, y) and to the last (x, y)."""

    frames: Picture
    flow: NDArray[np.float16]
    time: float


@dataclass(frozen=True, slots=True)
class Drift:
    """An evenly changing pose: place (pixels), angle (radians) and logarithm of the scale, and their change from time 0
    to time 1."""

    place: NDArray[np.float64]
    angle: float
    size: float
    travel: NDArray[np.float64]
    turn: float
    growth: float

    def matrix(self, time: float, centre: tuple[float, float]) -> NDArray[np.float64]:
        """3 x 3, from the layer's own pixels to the frame's; `centre` of the layer lies at `place`."""
        angle, scale = self.angle + self.turn * time, np.exp(self.size + self.growth * time)
        x, y = self.place + self.travel * time
        cos, sin = scale * np.cos(angle), scale * np.sin(angle)
        turned = np.array([[cos, -sin, x], [sin, cos, y], [0, 0, 1.0]])
        return turned @ np.array([[1, 0, -centre[0]], [0, 1, -centre[1]], [0, 0, 1.0]])


@dataclass(frozen=True, slots=True)
class Layer:
    """A picture with premultiplied transparency (RGBA) or without (RGB), and how it moves."""

    picture: Picture
    drift: Drift

    def matrix(self, time: float) -> NDArray[np.float64]:
        height, width = self.picture.shape[:2]
        return self.drift.matrix(time, ((width - 1) / 2, (height - 1) / 2))


def load_sprites(cache: Path, *, held_out: bool) -> list[Picture]:
    """All sprites but country flags and skin tones, premultiplied RGBA of SPRITE_SIDE; held-out ones or the others."""
    pictures = []
    for file in sprite_files(cache):
        if (zlib.crc32(file.stem.encode()) % HOLD_OUT == 0) == held_out:
            pictures.append(_premultiplied(file))
    return pictures


def _premultiplied(file: Path) -> Picture:
    rgba = np.array(Image.open(file).convert("RGBA").resize((SPRITE_SIDE, SPRITE_SIDE), Image.Resampling.BOX))
    rgba[..., :3] = (rgba[..., :3].astype(np.uint16) * rgba[..., 3:] + 127) // 255
    return rgba


def film_ground(film: Film, runs: NDArray[np.int64]) -> Ground:
    """Any frame of the given runs."""
    return lambda rng: film.runs[runs[rng.integers(len(runs))], rng.integers(film.runs.shape[1])]


def plain_ground(rng: np.random.Generator) -> Picture:
    """One colour, or a smooth passage between a few."""
    cells = int(rng.choice([1, 2, 3]))
    colours = rng.integers(0, 256, (cells, cells, 3)).astype(np.uint8)
    return np.asarray(cv2.resize(colours, (448, 256), interpolation=cv2.INTER_LINEAR), np.uint8)


def random_layers(sprites: list[Picture], ground: Ground, side: int, rng: np.random.Generator) -> list[Layer]:
    """A ground with a camera's motion and one to three sprites over it."""
    picture = ground(rng)
    height, width = picture.shape[:2]
    room = np.array([max(width - side, 0), max(height - side, 0)]) * 0.35
    place = np.full(2, (side - 1) / 2) + rng.uniform(-room, room)
    camera = Drift(
        place,
        rng.normal(0, 0.03),
        rng.uniform(0.05, 0.4) if height > side else rng.uniform(0.15, 0.4),
        rng.normal(0, 2.5, 2) * (rng.uniform() < 0.7),
        rng.normal(0, 0.015) * (rng.uniform() < 0.4),
        rng.normal(0, 0.015) * (rng.uniform() < 0.4),
    )
    layers = [Layer(picture, camera)]
    for _ in range(int(rng.integers(1, 4))):
        layers.append(Layer(sprites[rng.integers(len(sprites))], _random_flight(side, rng)))
    return layers


def _random_flight(side: int, rng: np.random.Generator) -> Drift:
    turn = rng.normal(0, 0.15) * (rng.uniform() < 0.5)
    growth = rng.normal(0, 0.08) * (rng.uniform() < 0.5)
    travel = rng.normal(0, 7.0, 2) * (rng.uniform() < 0.85)
    angle = rng.uniform(-np.pi, np.pi) if rng.uniform() < 0.4 else 0.0
    size = np.log(rng.uniform(28, 150) / SPRITE_SIDE)
    place = rng.uniform(0.05 * side, 0.95 * side, 2) - travel / 2
    return Drift(place, angle, size, travel, turn, growth)


def draw(layers: list[Layer], time: float, side: int) -> tuple[Picture, NDArray[np.uint8]]:
    """The frame at `time`, [side, side, 3], and the number of the uppermost layer at each pixel, [side, side]."""
    large = side * SUPERSAMPLING
    enlarge = np.array([[SUPERSAMPLING, 0, 0.5 * (SUPERSAMPLING - 1)], [0, SUPERSAMPLING, 0.5 * (SUPERSAMPLING - 1)]])
    canvas = np.zeros((large, large, 3), np.float32)
    top = np.zeros((large, large), np.uint8)
    for number, layer in enumerate(layers):
        matrix = enlarge @ layer.matrix(time)
        if number == 0:
            canvas = cv2.warpAffine(
                layer.picture, matrix, (large, large), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT
            ).astype(np.float32)
        else:
            picture, matrix = _small_enough(layer.picture, matrix)
            drawn = cv2.warpAffine(picture, matrix, (large, large), flags=cv2.INTER_LINEAR)
            canvas = drawn[..., :3] + canvas * (1 - drawn[..., 3:].astype(np.float32) / 255)
            top[drawn[..., 3] > 127] = number
    frame = cv2.resize(canvas, (side, side), interpolation=cv2.INTER_AREA)
    return (frame + 0.5).clip(0, 255).astype(np.uint8), top[::SUPERSAMPLING, ::SUPERSAMPLING]


def _small_enough(picture: Picture, matrix: NDArray[np.float64]) -> tuple[Picture, NDArray[np.float64]]:
    """Halves `picture` while it would be drawn at less than half its size, so that it does not alias."""
    scale = float(np.hypot(matrix[0, 0], matrix[1, 0]))
    while scale < 0.5:
        picture = cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        matrix = matrix @ np.array([[2, 0, 0.5], [0, 2, 0.5], [0, 0, 1]])
        scale *= 2
    return picture, matrix


def flow_between(
    layers: list[Layer], top: NDArray[np.uint8], time: float, other: float, cell: int = FLOW_CELL
) -> NDArray[np.float32]:
    """How far a pixel of each cell of the frame at `time` is away at `other`, [2, h/cell, w/cell] (x, y)."""
    cells = top[cell // 2 :: cell, cell // 2 :: cell]
    height, width = cells.shape
    y, x = np.mgrid[0:height, 0:width] * cell + cell // 2
    grid = np.stack((x, y, np.ones_like(x))).reshape(3, -1).astype(np.float64)
    flow = np.zeros((2, height * width), np.float32)
    for number, layer in enumerate(layers):
        seen = cells.reshape(-1) == number
        moved = layer.matrix(other) @ np.linalg.inv(layer.matrix(time))
        flow[:, seen] = (moved @ grid[:, seen] - grid[:, seen])[:2]
    return flow.reshape(2, height, width)


def random_triplet(sprites: list[Picture], ground: Ground, side: int, time: float, rng: np.random.Generator) -> Triplet:
    """One scene at times 0, `time` and 1."""
    layers = random_layers(sprites, ground, side, rng)
    (first, _), (middle, top), (last, _) = (draw(layers, at, side) for at in (0.0, time, 1.0))
    flow = [flow_between(layers, top, time, other) for other in (0.0, 1.0)]
    return Triplet(np.stack((first, middle, last)), np.concatenate(flow).astype(np.float16), time)
