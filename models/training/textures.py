"""Pictures and short clips that are no sprites: film, gradients and noise, so that the autoencoder sees more than
emoji."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from training.canvas import SMALL, UNITS, Canvas

FILM_SHOTS = 400
FILM_FRAMES = 25
STILLS, STILL_HEIGHT, EXCERPT_HEIGHT = 480, 180, 90  # heights in units
ROOM = 32  # of a pattern, beyond the frame, in units


class Textures:
    """Samples texture clips of `canvas`' size; out of a few hundred short excerpts when a film is given."""

    def __init__(self, film: Path | None, shots: int = FILM_SHOTS, canvas: Canvas = SMALL) -> None:
        self.shots, self.canvas = film_excerpts(film, shots, canvas) if film else [], canvas

    def sample(self, rng: np.random.Generator, frames: int) -> NDArray[np.uint8]:
        """T H W 3, 0 to 255."""
        if len(self.shots) and rng.uniform() < 0.7:
            shot = self.shots[rng.integers(len(self.shots))]
            t = int(rng.integers(0, len(shot) - frames + 1))
            side = self.canvas.side
            y, x = (int(rng.integers(0, length - side + 1)) for length in shot.shape[1:3])
            return shot[t : t + frames, y : y + side, x : x + side]
        return _drift(_pattern(rng, self.canvas), rng, frames, self.canvas)


def film_stills(film: Path, count: int = STILLS, canvas: Canvas = SMALL) -> NDArray[np.uint8]:
    """`count` frames from all over the film but its credits, N 180 320 3 in units; kept beside it."""
    size = _wide(STILL_HEIGHT, canvas)
    return _kept(
        _beside(film, f"stills-{count}", canvas), lambda: _pictures(film, _all_over(film, count, 0.01, 0.93), size)
    )


def film_ground(stills: NDArray[np.uint8], side: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """A square out of one of `stills`, `side` pixels high and wide, in [0, 1]; half of them mirrored."""
    still = stills[rng.integers(len(stills))]
    y, x = (int(rng.integers(0, length - side + 1)) for length in still.shape[:2])
    cut = still[y : y + side, x : x + side]
    return (cut[:, ::-1] if rng.uniform() < 0.5 else cut).astype(np.float32) / 255


def film_excerpts(film: Path, count: int = FILM_SHOTS, canvas: Canvas = SMALL) -> NDArray[np.uint8]:
    """`count` runs of FILM_FRAMES frames from all over the film, N FILM_FRAMES 90 160 3 in units; kept beside it."""

    def read() -> NDArray[np.uint8]:
        runs = _all_over(film, count, 0.0, 1.0)[:, None] + np.arange(FILM_FRAMES)
        # where they overlap, as in a short film, a frame is in several
        numbers, places = np.unique(runs, return_inverse=True)
        return _pictures(film, numbers, _wide(EXCERPT_HEIGHT, canvas))[places.reshape(runs.shape)]

    return _kept(_beside(film, f"excerpts-{count}", canvas), read)


def _wide(height: int, canvas: Canvas) -> tuple[int, int]:
    """Width and height of a film's frame, in pixels."""
    return canvas.pixels(height * 16 // 9), canvas.pixels(height)


def _beside(film: Path, name: str, canvas: Canvas) -> Path:
    return film.with_name(f"{name}.npy" if canvas == SMALL else f"{name}-{canvas.side}.npy")


def _all_over(film: Path, count: int, first: float, last: float) -> NDArray[np.int64]:
    """Numbers of frames, evenly from one share of the film to another, that an excerpt can begin with."""
    total = int(cv2.VideoCapture(str(film)).get(cv2.CAP_PROP_FRAME_COUNT))
    return np.unique(np.linspace(first * total, max(last * total - FILM_FRAMES - 1, 0), count).astype(int))


def _pictures(film: Path, numbers: NDArray[np.int64], size: tuple[int, int]) -> NDArray[np.uint8]:
    """The frames of these ascending numbers, small; read in one pass, because every seek decodes from the key frame
    before it. A film that ends early gives its last frame again."""
    reader, found, at, frame = cv2.VideoCapture(str(film)), [], -1, None
    for number in numbers:
        while at < number and reader.grab():
            at += 1
        if at == number or frame is None:
            frame = cv2.resize(reader.retrieve()[1], size, interpolation=cv2.INTER_AREA)[..., ::-1]
        found.append(frame)
    return np.stack(found)


def _kept(file: Path, make: Callable[[], NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """What `file` holds, which is made first where there is none; several processes may come here at once. Mapped, so
    that they share its memory."""
    if not file.exists():
        partial = file.with_name(f"{os.getpid()}-{file.name}")
        np.save(partial, make())
        partial.rename(file)
    return np.load(file, mmap_mode="r")


def _pattern(rng: np.random.Generator, canvas: Canvas) -> NDArray[np.float32]:
    """A picture larger than the frame: smooth noise of a random scale between two colours, or a gradient of them."""
    cells = int(rng.choice([2, 3, 5, 9, 17]))
    channels = 3 if rng.uniform() < 0.5 else 1
    noise = rng.uniform(0, 1, (cells, cells, channels)).astype(np.float32)
    side = canvas.pixels(UNITS + ROOM)
    field = cv2.resize(noise, (side, side), interpolation=cv2.INTER_CUBIC).reshape(side, side, -1)
    a, b = rng.uniform(0, 1, (2, 3)).astype(np.float32)
    return np.clip(a + (b - a) * field, 0, 1)


def _drift(picture: NDArray[np.float32], rng: np.random.Generator, frames: int, canvas: Canvas) -> NDArray[np.uint8]:
    x0, x1, y0, y1 = rng.uniform(0, ROOM, 4) * canvas.scale
    sides = (canvas.side, canvas.side)
    out = []
    for t in np.linspace(0, min(1, frames / 16), frames):
        shift = np.array([[1, 0, -(x0 + (x1 - x0) * t)], [0, 1, -(y0 + (y1 - y0) * t)]], np.float32)
        out.append(cv2.warpAffine(picture, shift, sides, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT))
    return (np.stack(out) * 255).astype(np.uint8)
