"""Pictures of the comparison: the frames around every joint, a row a way."""

from pathlib import Path

import numpy as np
from PIL import Image

from tests.bench.seams.clips import kept
from tests.bench.seams.ways import NEW, OPENING, WAYS, Scene

BEFORE, AFTER, EVERY = 13, 4, 6


def draw_sheets(folder: Path, scenes: list[Scene], into: Path) -> None:
    """`NN-J.png` shows frames around joint J of scene NN, `NN.png` every sixth frame of its clips."""
    into.mkdir(parents=True, exist_ok=True)
    for scene in scenes:
        clips = [kept(folder, scene, way).frames for way in WAYS]
        _save(into / f"{scene.seed:02d}.png", [clip[::EVERY] for clip in clips])
        for joint, at in enumerate(range(OPENING, len(clips[0]), NEW)):
            _save(into / f"{scene.seed:02d}-{joint}.png", [clip[at - BEFORE : at + AFTER] for clip in clips])


def _save(file: Path, rows: list[np.ndarray]) -> None:
    Image.fromarray(np.vstack([np.hstack(list(row)) for row in rows])).save(file)
