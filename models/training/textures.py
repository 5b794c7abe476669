"""Pictures and short clips that are no sprites: film, gradients and noise, so that the autoencoder sees more than
emoji."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from training.places import SIZE

FILM_SHOTS = 400
FILM_FRAMES = 25
STILLS, STILL_HEIGHT = 480, 180


class Textures:
    """Samples texture clips; holds a few hundred short film excerpts in memory when a film is given."""

    def __init__(self, film: Path | None, shots: int = FILM_SHOTS) -> None:
        self.shots = _excerpts(film, shots) if film else []

    def sample(self, rng: np.random.Generator, frames: int) -> NDArray[np.uint8]:
        """T H W 3, 0 to 255."""
        if self.shots and rng.uniform() < 0.7:
            shot = self.shots[rng.integers(len(self.shots))]
            t = int(rng.integers(0, len(shot) - frames + 1))
            y, x = (int(rng.integers(0, side - SIZE + 1)) for side in shot.shape[1:3])
            return shot[t : t + frames, y : y + SIZE, x : x + SIZE]
        return _drift(_pattern(rng), rng, frames)


def film_stills(film: Path, count: int = STILLS) -> NDArray[np.uint8]:
    """`count` frames from all over the film, N 180 320 3."""
    reader = cv2.VideoCapture(str(film))
    frames = []
    for place in np.linspace(0.01, 0.93, count) * reader.get(cv2.CAP_PROP_FRAME_COUNT):  # but for its credits
        reader.set(cv2.CAP_PROP_POS_FRAMES, int(place))
        if (frame := reader.read()[1]) is not None:
            small = cv2.resize(frame, (STILL_HEIGHT * 16 // 9, STILL_HEIGHT), interpolation=cv2.INTER_AREA)
            frames.append(small[..., ::-1])
    return np.stack(frames)


def film_ground(stills: NDArray[np.uint8], side: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """A square out of one of `stills`, `side` pixels high and wide, in [0, 1]; half of them mirrored."""
    still = stills[rng.integers(len(stills))]
    y, x = (int(rng.integers(0, length - side + 1)) for length in still.shape[:2])
    cut = still[y : y + side, x : x + side]
    return (cut[:, ::-1] if rng.uniform() < 0.5 else cut).astype(np.float32) / 255


def _excerpts(film: Path, count: int) -> list[NDArray[np.uint8]]:
    reader = cv2.VideoCapture(str(film))
    total = int(reader.get(cv2.CAP_PROP_FRAME_COUNT))
    shots: list[NDArray[np.uint8]] = []
    for start in np.linspace(0, max(total - FILM_FRAMES - 1, 0), count).astype(int):
        reader.set(cv2.CAP_PROP_POS_FRAMES, int(start))
        frames = [reader.read()[1] for _ in range(FILM_FRAMES)]
        if all(f is not None for f in frames):
            small = [cv2.resize(f, (160, 90), interpolation=cv2.INTER_AREA)[..., ::-1] for f in frames]
            shots.append(np.stack(small))
    return shots


def _pattern(rng: np.random.Generator) -> NDArray[np.float32]:
    """A picture larger than the frame: smooth noise of a random scale between two colours, or a gradient of them."""
    cells = int(rng.choice([2, 3, 5, 9, 17]))
    channels = 3 if rng.uniform() < 0.5 else 1
    noise = rng.uniform(0, 1, (cells, cells, channels)).astype(np.float32)
    field = cv2.resize(noise, (SIZE + 32, SIZE + 32), interpolation=cv2.INTER_CUBIC).reshape(SIZE + 32, SIZE + 32, -1)
    a, b = rng.uniform(0, 1, (2, 3)).astype(np.float32)
    return np.clip(a + (b - a) * field, 0, 1)


def _drift(picture: NDArray[np.float32], rng: np.random.Generator, frames: int) -> NDArray[np.uint8]:
    x0, x1, y0, y1 = rng.uniform(0, 32, 4)
    out = []
    for t in np.linspace(0, min(1, frames / 16), frames):
        shift = np.array([[1, 0, -(x0 + (x1 - x0) * t)], [0, 1, -(y0 + (y1 - y0) * t)]], np.float32)
        out.append(cv2.warpAffine(picture, shift, (SIZE, SIZE), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT))
    return (np.stack(out) * 255).astype(np.uint8)
