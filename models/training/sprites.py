"""The subject library: which sprites the model learns, and the words people use for them.

Subjects are chosen to look different from each other at 32 pixels and to have a name that everybody knows.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from training.sources import animation_file, sprite_files, sprite_folder

MIP_SIZES = (16, 24, 32, 48, 64)
POSES, POSE_SIDE, PICTURES_A_POSE = 24, 64, 3  # an animation's 24 pictures a second are seen at 8


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
    loop: tuple[Sprite, ...] = ()

    def posed(self, pose: int) -> Sprite:
        """The sprite in the `pose`-th step of its own motion, counted round and round; 0 is its still picture."""
        return self.loop[pose % len(self.loop)] if pose and self.loop else self

    @cached_property
    def mips(self) -> dict[int, NDArray[np.float32]]:
        """The sprite area-averaged to each of MIP_SIZES, so that drawing it small does not alias."""
        return {size: cv2.resize(self.rgba, (size, size), interpolation=cv2.INTER_AREA) for size in MIP_SIZES}

    def at_least(self, size: float) -> NDArray[np.float32]:
        return self.mips[next((m for m in MIP_SIZES if m >= size), MIP_SIZES[-1])]


def sprite_from_rgba(rgba: NDArray[np.uint8]) -> Sprite:
    """Crops to the visible part, centres it in a square and premultiplies."""
    return Sprite(_squared(rgba[None])[0])


def _squared(pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
    """N H W 4 cropped to what is visible in any of them, in the middle of squares, premultiplied, in [0, 1]."""
    visible = np.argwhere(pictures[..., 3].max(0) > 12)
    (top, left), (bottom, right) = visible.min(0), visible.max(0) + 1
    cropped = pictures[:, top:bottom, left:right].astype(np.float32) / 255.0
    side = max(cropped.shape[1:3])
    squares = np.zeros((len(pictures), side, side, 4), np.float32)
    y, x = (side - cropped.shape[1]) // 2, (side - cropped.shape[2]) // 2
    squares[:, y : y + cropped.shape[1], x : x + cropped.shape[2]] = cropped
    squares[..., :3] *= squares[..., 3:]
    return squares


def loop_from_rgba(pictures: NDArray[np.uint8]) -> tuple[Sprite, ...]:
    """The steps of a sprite's own motion from N H W 4 pictures; all cropped alike, so that what moves within them
    moves on the screen."""
    sides = (POSE_SIDE, POSE_SIDE)
    return tuple(Sprite(cv2.resize(square, sides, interpolation=cv2.INTER_AREA)) for square in _squared(pictures))


def load_sprites(cache: Path, *, animated: bool = True) -> dict[str, Sprite]:
    """All of SUBJECTS by name, from the unpacked sprite packages; still ones at once, `animated` ones in a minute."""
    folder = sprite_folder(cache)
    sprites = {
        s.name: sprite_from_rgba(np.asarray(Image.open(folder / f"{s.codepoint}.webp").convert("RGBA")))
        for s in SUBJECTS
    }
    if not animated:
        return sprites
    loops = _loops(cache)
    return {name: replace(sprite, loop=loop_from_rgba(loops[name])) for name, sprite in sprites.items()}


def _loops(cache: Path) -> dict[str, NDArray[np.uint8]]:
    """POSES pictures of every subject's own motion, kept beside the packages once they are decoded."""
    kept = cache / f"loops-{POSES}.npz"
    if not kept.exists():
        partial = cache / f"loops-{os.getpid()}.npz"
        np.savez(partial, **{s.name: _decoded(animation_file(cache, s.codepoint)) for s in SUBJECTS})  # type: ignore[arg-type]
        partial.rename(kept)
    with np.load(kept) as found:
        return dict(found)


def _decoded(file: Path | None) -> NDArray[np.uint8]:
    """Every third picture of an animation, 128 pixels a side."""
    assert file is not None, "no part of the package has this subject"
    with Image.open(file) as animation:
        pictures = []
        for number in range(0, POSES * PICTURES_A_POSE, PICTURES_A_POSE):
            animation.seek(number % getattr(animation, "n_frames", 1))
            pictures.append(np.asarray(animation.convert("RGBA").resize((128, 128), Image.Resampling.BOX)))
    return np.stack(pictures)


def load_unnamed(cache: Path) -> list[Sprite]:
    """Every other sprite that is neither a flag nor another's skin tone."""
    named = {s.codepoint for s in SUBJECTS}
    others = (file for file in sprite_files(cache) if file.stem not in named)
    # read small: hundreds of them at full size would fill the memory
    return [
        sprite_from_rgba(np.asarray(Image.open(file).convert("RGBA").resize((96, 96), Image.Resampling.BOX)))
        for file in others
    ]
