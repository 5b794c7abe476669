"""What lies behind the subject: plain colours, and simple scenes drawn anew for every clip.

A scene is larger than the frame, so that a camera can move over it. Its details are four units (64ths of the frame) and
more, because the autoencoder keeps none that are finer at 64 pixels. Knows pictures alone.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from training.canvas import SMALL, Canvas

PLAIN: dict[str, tuple[int, int, int]] = {
    "red": (205, 45, 45),
    "yellow": (245, 215, 60),
    "green": (60, 160, 75),
    "blue": (50, 95, 215),
    "purple": (125, 55, 175),
    "pink": (250, 165, 205),
    "white": (245, 245, 245),
    "black": (18, 18, 18),
}
COLOUR_JITTER = 8
SIDE = 160  # of a scene, in units
EDGE_SIGMA = 0.6  # how soft an edge is, in units

Picture = NDArray[np.float32]


def ground(name: str, rng: np.random.Generator, canvas: Canvas = SMALL) -> Picture:
    """The named ground, SIDE SIDE 3 in units of `canvas`, in [0, 1]; no two are alike."""
    if name in PLAIN:
        rgb = np.clip(np.array(PLAIN[name]) + rng.uniform(-COLOUR_JITTER, COLOUR_JITTER, 3), 0, 255) / 255
        return _filled(rgb.astype(np.float32), canvas)
    return np.clip(SCENES[name](rng, canvas), 0, 1).astype(np.float32)


def _starry(rng: np.random.Generator, canvas: Canvas) -> Picture:
    picture = _colour((14, 16, 52), rng, canvas)
    for _ in range(int(rng.integers(45, 70))):
        x, y = rng.uniform(0, SIDE, 2)
        _blob(picture, canvas, x, y, rng.uniform(1.6, 2.8), rng.uniform(0.7, 1.0) * np.array([1.0, 1.0, 0.85]))
    return picture


def _cloudy(rng: np.random.Generator, canvas: Canvas) -> Picture:
    picture = _colour((120, 180, 240), rng, canvas)
    for _ in range(int(rng.integers(14, 20))):
        x, y = rng.uniform(0, SIDE, 2)
        for _ in range(4):
            _blob(picture, canvas, x + rng.normal(0, 7), y + rng.normal(0, 2), rng.uniform(4, 8), np.ones(3))
    return picture


def _brick(rng: np.random.Generator, canvas: Canvas) -> Picture:
    picture = _colour((205, 195, 180), rng, canvas)
    long, high, line = 28, 14, 3
    y0, x0 = rng.integers(0, high), rng.integers(0, long)
    for row in range(-1, SIDE // high + 1):
        for column in range(-1, SIDE // long + 1):
            x, y = column * long + x0 + (row % 2) * long // 2, row * high + y0
            colour = np.array((168, 74, 58)) / 255 * rng.uniform(0.85, 1.1)
            rows, columns = ((max(at, 0), max(at + size - line, 0)) for at, size in ((y, high), (x, long)))
            picture[slice(*map(canvas.pixels, rows)), slice(*map(canvas.pixels, columns))] = colour
    return _soft(picture, canvas)


def _grassy(rng: np.random.Generator, canvas: Canvas) -> Picture:
    cells = rng.uniform(0, 1, (SIDE // 4, SIDE // 8, 1)).astype(np.float32)
    side = canvas.pixels(SIDE)
    patches = cv2.resize(cells, (side, side), interpolation=cv2.INTER_CUBIC)[..., None]
    dark, light = np.array((40, 110, 40)) / 255, np.array((130, 200, 80)) / 255
    return dark + (light - dark) * patches


def _checkered(rng: np.random.Generator, canvas: Canvas) -> Picture:
    cell, (x0, y0) = 16, rng.integers(0, 32, 2)
    y, x = np.mgrid[0 : canvas.pixels(SIDE), 0 : canvas.pixels(SIDE)] / canvas.scale
    odd = (((x + x0) // cell + (y + y0) // cell) % 2).astype(np.float32)[..., None]
    dark, light = _jittered((95, 90, 100), rng), _jittered((225, 220, 215), rng)
    return _soft(dark + (light - dark) * odd, canvas)


def _striped(rng: np.random.Generator, canvas: Canvas) -> Picture:
    wide, x0 = 12, rng.integers(0, 24)
    side = canvas.pixels(SIDE)
    odd = (((np.arange(side) / canvas.scale + x0) // wide) % 2).astype(np.float32)[None, :, None]
    one, other = _jittered((250, 150, 60), rng), _jittered((250, 230, 190), rng)
    return _soft(np.repeat(one + (other - one) * odd, side, axis=0), canvas)


SCENES: dict[str, Callable[[np.random.Generator, Canvas], NDArray[np.floating]]] = {
    "starry": _starry,
    "cloudy": _cloudy,
    "brick": _brick,
    "grassy": _grassy,
    "checkered": _checkered,
    "striped": _striped,
}
GROUNDS = (*PLAIN, *SCENES)
FILM = "film"
"""A still of the film, which is not drawn here (textures.py)."""


def _jittered(rgb: tuple[int, int, int], rng: np.random.Generator) -> NDArray[np.float32]:
    return ((np.array(rgb) + rng.uniform(-COLOUR_JITTER, COLOUR_JITTER, 3)) / 255).astype(np.float32)


def _colour(rgb: tuple[int, int, int], rng: np.random.Generator, canvas: Canvas) -> Picture:
    return _filled(_jittered(rgb, rng), canvas)


def _filled(rgb: NDArray[np.float32], canvas: Canvas) -> Picture:
    return np.broadcast_to(rgb, (canvas.pixels(SIDE), canvas.pixels(SIDE), 3)).copy()


def _blob(picture: Picture, canvas: Canvas, x: float, y: float, radius: float, colour: NDArray[np.floating]) -> None:
    """Lays a soft disc over `picture`, in place."""
    x, y, radius = canvas.at(x), canvas.at(y), radius * canvas.scale
    reach = int(3 * radius) + 1
    left, top = max(int(x) - reach, 0), max(int(y) - reach, 0)
    part = picture[top : int(y) + reach, left : int(x) + reach]
    if part.size:
        v, u = np.mgrid[top : top + part.shape[0], left : left + part.shape[1]]
        share = np.exp(-((((u - x) ** 2 + (v - y) ** 2) / radius**2) ** 2))[..., None].astype(np.float32)
        part += share * (colour.astype(np.float32) - part)


def _soft(picture: NDArray[np.floating], canvas: Canvas) -> NDArray[np.floating]:
    return np.asarray(cv2.GaussianBlur(picture.astype(np.float32), (0, 0), EDGE_SIGMA * canvas.scale))
