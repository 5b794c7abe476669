"""Pictures of the subjects: still ones, and the steps of their own motion. Knows no words beyond a subject's name."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from training.canvas import SMALL, Canvas
from training.sources import animation_file, sprite_files, sprite_folder
from training.subjects import COMMON, Library

MIP_SIZES = (16, 24, 32, 48, 64)  # sides of a sprite, in units, at which it is averaged
POSES, PICTURES_A_POSE = 24, 3  # an animation's 24 pictures a second are seen at 8
POSE_SIDE, ANIMATION_SIDE, UNNAMED_SIDE = 64, 128, 96  # of a pose, of an animation and of a nameless sprite, in units


@dataclass(frozen=True)
class Sprite:
    """A picture with transparency, as premultiplied RGBA float32 in [0, 1], square; `loop` holds what it looks like
    while it moves by itself, in equal steps, where it can."""

    rgba: NDArray[np.float32]
    loop: Sequence[Sprite] = ()

    def posed(self, pose: int) -> Sprite:
        """The sprite in the `pose`-th step of its own motion, counted round and round; 0 is its still picture."""
        return self.loop[pose % len(self.loop)] if pose and self.loop else self

    def at_least(self, side: float, canvas: Canvas = SMALL) -> NDArray[np.float32]:
        """The sprite averaged to the next of MIP_SIZES, so that drawing it with that many units does not alias."""
        size = canvas.pixels(next((m for m in MIP_SIZES if m >= side), MIP_SIZES[-1]))
        if size not in self._averaged:
            self._averaged[size] = cv2.resize(self.rgba, (size, size), interpolation=cv2.INTER_AREA)
        return self._averaged[size]

    @cached_property
    def _averaged(self) -> dict[int, NDArray[np.float32]]:
        """By side in pixels, as they are asked for."""
        return {}


def sprite_from_rgba(rgba: NDArray[np.uint8]) -> Sprite:
    """Crops to the visible part, centres it in a square and premultiplies."""
    return Sprite(_squared(rgba[_seen(rgba[None])]))


def _seen(pictures: NDArray[np.uint8]) -> tuple[slice, slice]:
    """Rows and columns of what is visible in any of N H W 4 pictures."""
    visible = np.argwhere(pictures[..., 3].max(0) > 12)
    (top, left), (bottom, right) = visible.min(0), visible.max(0) + 1
    return slice(top, bottom), slice(left, right)


def _squared(cropped: NDArray[np.uint8]) -> NDArray[np.float32]:
    """A picture, H W 4, in the middle of a square, premultiplied, in [0, 1]."""
    height, width = cropped.shape[:2]
    side = max(height, width)
    square = np.zeros((side, side, 4), np.float32)
    y, x = (side - height) // 2, (side - width) // 2
    square[y : y + height, x : x + width] = cropped.astype(np.float32) / 255.0
    square[..., :3] *= square[..., 3:]
    return square


class Loop(Sequence[Sprite]):
    """The steps of a sprite's own motion out of N H W 4 pictures; all cropped alike, so that what moves within them
    moves on the screen. Made as they are asked for: those of hundreds of subjects would fill the memory."""

    def __init__(self, pictures: NDArray[np.uint8], canvas: Canvas = SMALL) -> None:
        self.pictures, self.side = pictures, canvas.pixels(POSE_SIDE)

    @cached_property
    def seen(self) -> tuple[slice, slice]:
        """Rows and columns of what is visible in any of the pictures."""
        return _seen(self.pictures)

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, step: int) -> Sprite:  # type: ignore[override]
        square = _squared(self.pictures[step][self.seen])
        return Sprite(cv2.resize(square, (self.side, self.side), interpolation=cv2.INTER_AREA))


def load_sprites(
    cache: Path, canvas: Canvas = SMALL, library: Library = COMMON, *, animated: bool = True
) -> dict[str, Sprite]:
    """All of `library` by name, from the unpacked sprite packages; still ones at once, `animated` ones in a minute or
    more where they were not decoded yet."""
    folder = sprite_folder(cache)
    sprites = {
        s.name: sprite_from_rgba(np.asarray(Image.open(folder / f"{s.codepoint}.webp").convert("RGBA")))
        for s in library.subjects
    }
    if not animated:
        return sprites
    loops = {s.name: Loop(_animation(cache, s.codepoint, canvas), canvas) for s in library.subjects if s.animated}
    return {name: replace(sprite, loop=loops.get(name, ())) for name, sprite in sprites.items()}


def _animation(cache: Path, codepoint: str, canvas: Canvas) -> NDArray[np.uint8]:
    """POSES pictures of a subject's own motion. Mapped, so that processes share their memory."""
    return np.load(keep_animation(cache, codepoint, canvas), mmap_mode="r")


def keep_animation(cache: Path, codepoint: str, canvas: Canvas) -> Path:
    """Those pictures beside the packages, decoded once; several processes may come here at once."""
    side = canvas.pixels(ANIMATION_SIDE)
    kept = cache / f"loops-{POSES}-{side}" / f"{codepoint}.npy"
    if not kept.exists():
        kept.parent.mkdir(exist_ok=True)
        partial = kept.with_name(f"{os.getpid()}-{kept.name}")
        np.save(partial, _decoded(animation_file(cache, codepoint), side))
        partial.rename(kept)
    return kept


def _decoded(file: Path | None, side: int) -> NDArray[np.uint8]:
    """Every third picture of an animation."""
    assert file is not None, "no part of the package has this subject"
    with Image.open(file) as animation:
        pictures = []
        for number in range(0, POSES * PICTURES_A_POSE, PICTURES_A_POSE):
            animation.seek(number % getattr(animation, "n_frames", 1))
            pictures.append(np.asarray(animation.convert("RGBA").resize((side, side), Image.Resampling.BOX)))
    return np.stack(pictures)


def load_unnamed(cache: Path, canvas: Canvas = SMALL, library: Library = COMMON) -> list[Sprite]:
    """Every other sprite that is neither a flag nor another's skin tone."""
    named = {s.codepoint for s in library.subjects}
    others = (file for file in sprite_files(cache) if file.stem not in named)
    # read small: hundreds of them at full size would fill the memory
    sides = (canvas.pixels(UNNAMED_SIDE), canvas.pixels(UNNAMED_SIDE))
    return [
        sprite_from_rgba(np.asarray(Image.open(file).convert("RGBA").resize(sides, Image.Resampling.BOX)))
        for file in others
    ]
