"""The subject library: which sprites the model learns, and the words people use for them.

Subjects are chosen to look different from each other at 32 pixels and to have a name that everybody knows.
"""

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

MIP_SIZES = (16, 24, 32, 48, 64)  # sides of a sprite, in units, at which it is averaged
POSES, PICTURES_A_POSE = 24, 3  # an animation's 24 pictures a second are seen at 8
POSE_SIDE, ANIMATION_SIDE, UNNAMED_SIDE = 64, 128, 96  # of a pose, of an animation and of a nameless sprite, in units


@dataclass(frozen=True, slots=True)
class Subject:
    """A nameable thing: `codepoint` finds its picture, `words` are its name (first) and synonyms."""

    codepoint: str
    words: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.words[0]


def _subject(codepoint: str, words: str) -> Subject:
    return Subject(codepoint, tuple(words.split(", ")))


SUBJECTS: tuple[Subject, ...] = tuple(
    _subject(*line.split(" ", 1))
    for line in """
1f408 cat, kitten
1f415 dog, puppy
1f98a fox
1f981 lion
1f405 tiger
1f43c panda
1f428 koala
1f407 rabbit, bunny
1f416 pig
1f404 cow
1f40e horse, pony
1f418 elephant
1f992 giraffe
1f993 zebra
1f412 monkey
1f42a camel
1f994 hedgehog
1f427 penguin
1f989 owl
1f986 duck
1f414 chicken, hen
1f99c parrot
1f9a9 flamingo
1f438 frog
1f422 turtle, tortoise
1f40d snake
1f40a crocodile, alligator
1f996 dinosaur
1f409 dragon
1f433 whale
1f42c dolphin
1f988 shark
1f420 fish
1f419 octopus
1f980 crab
1f40c snail
1f98b butterfly
1f41d bee, honeybee
1f41e ladybug, ladybird
1f577-fe0f spider
1f34e apple, red apple
1f34c banana
1f34b lemon
1f347 bunch of grapes
1f353 strawberry
1f349 watermelon, slice of watermelon
1f34d pineapple
1f352 cherry
1f955 carrot
1f951 avocado
1f344 mushroom, toadstool
1f354 hamburger, burger
1f355 pizza, slice of pizza
1f32d hot dog
1f369 doughnut, donut
1f366 ice cream, ice cream cone
1f9c1 cupcake
1f697 car, automobile
1f68c bus
1f692 fire engine, fire truck
1f693 police car
1f69c tractor
1f6b2 bicycle, bike
1f682 locomotive, steam train
2708-fe0f airplane, plane
1f681 helicopter
1f680 rocket
26f5 sailboat, sailing boat
1f6f8 flying saucer, ufo
26bd soccer ball, football
1f3c0 basketball
1f388 balloon
1f381 gift, present
1f9f8 teddy bear
1f3b8 guitar
1f941 drum
1f3ba trumpet
1f451 crown
1f511 key
2602-fe0f umbrella
1f3a9 top hat
1f4f7 camera
1f4a1 light bulb
23f0 alarm clock
1f3c6 trophy
1f916 robot
1f47b ghost
26c4 snowman
2b50 star
1f31e sun
1f319 moon, crescent moon
2764-fe0f heart
1f339 rose
1f33b sunflower
1f335 cactus
1f384 christmas tree
1f3e0 house
1f48e diamond, gem
1f383 pumpkin
1f3b2 die
1f525 flame
1f9f2 magnet
2693 anchor
1f514 bell
""".strip().splitlines()
)


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


def load_sprites(cache: Path, canvas: Canvas = SMALL, *, animated: bool = True) -> dict[str, Sprite]:
    """All of SUBJECTS by name, from the unpacked sprite packages; still ones at once, `animated` ones in a minute."""
    folder = sprite_folder(cache)
    sprites = {
        s.name: sprite_from_rgba(np.asarray(Image.open(folder / f"{s.codepoint}.webp").convert("RGBA")))
        for s in SUBJECTS
    }
    if not animated:
        return sprites
    return {
        s.name: replace(sprites[s.name], loop=Loop(_animation(cache, s.codepoint, canvas), canvas)) for s in SUBJECTS
    }


def _animation(cache: Path, codepoint: str, canvas: Canvas) -> NDArray[np.uint8]:
    """POSES pictures of a subject's own motion, kept beside the packages once they are decoded; several processes may
    come here at once. Mapped, so that they share its memory."""
    side = canvas.pixels(ANIMATION_SIDE)
    kept = cache / f"loops-{POSES}-{side}" / f"{codepoint}.npy"
    if not kept.exists():
        kept.parent.mkdir(exist_ok=True)
        partial = kept.with_name(f"{os.getpid()}-{kept.name}")
        np.save(partial, _decoded(animation_file(cache, codepoint), side))
        partial.rename(kept)
    return np.load(kept, mmap_mode="r")


def _decoded(file: Path | None, side: int) -> NDArray[np.uint8]:
    """Every third picture of an animation."""
    assert file is not None, "no part of the package has this subject"
    with Image.open(file) as animation:
        pictures = []
        for number in range(0, POSES * PICTURES_A_POSE, PICTURES_A_POSE):
            animation.seek(number % getattr(animation, "n_frames", 1))
            pictures.append(np.asarray(animation.convert("RGBA").resize((side, side), Image.Resampling.BOX)))
    return np.stack(pictures)


def load_unnamed(cache: Path, canvas: Canvas = SMALL) -> list[Sprite]:
    """Every other sprite that is neither a flag nor another's skin tone."""
    named = {s.codepoint for s in SUBJECTS}
    others = (file for file in sprite_files(cache) if file.stem not in named)
    # read small: hundreds of them at full size would fill the memory
    sides = (canvas.pixels(UNNAMED_SIDE), canvas.pixels(UNNAMED_SIDE))
    return [
        sprite_from_rgba(np.asarray(Image.open(file).convert("RGBA").resize(sides, Image.Resampling.BOX)))
        for file in others
    ]
