"""Draws clips: one sprite, one motion, one plain background.

Knows geometry and colours. Does not know words (captions.py) or networks.
Speeds are per frame, so that a clip of 25 frames is the longer version of one of 17, not a slower one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from training.sprites import Sprite

SIZE = 64
MOTIONS = ("left", "right", "up", "down", "grow", "shrink", "spin", "still")
DIRECTIONS = {"left": (-1, 0), "right": (1, 0), "up": (0, -1), "down": (0, 1)}
BACKGROUNDS: dict[str, tuple[int, int, int]] = {
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
CENTRE = (SIZE - 1) / 2
REACH = (15.0, 48.0)  # of a centre, in pixels
SIDES = (16.0, 48.0)  # of a sprite that grows or shrinks


@dataclass(frozen=True, slots=True)
class Placement:
    """Where and how the sprite is drawn in one frame: centre and side in pixels, angle in degrees clockwise."""

    x: float
    y: float
    side: float
    angle: float = 0.0


def draw(canvas: NDArray[np.float32], sprite: Sprite, place: Placement) -> NDArray[np.float32]:
    """Composites `sprite` over `canvas` (H W 3, values in [0, 1]) and returns the new picture."""
    source = sprite.at_least(place.side)
    scale = place.side / source.shape[0]
    matrix = cv2.getRotationMatrix2D(((source.shape[1] - 1) / 2, (source.shape[0] - 1) / 2), -place.angle, scale)
    matrix[:, 2] += (place.x - (source.shape[1] - 1) / 2, place.y - (source.shape[0] - 1) / 2)
    drawn = cv2.warpAffine(source, matrix, (canvas.shape[1], canvas.shape[0]), flags=cv2.INTER_LINEAR)
    return drawn[..., :3] + canvas * (1.0 - drawn[..., 3:])


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast one clip's motions are, a frame: pixels of travel, pixels of side, degrees."""

    travel: float
    growth: float
    turn: float

    @classmethod
    def random(cls, rng: np.random.Generator) -> Pace:
        return cls(rng.uniform(1.15, 1.35), rng.uniform(1.5, 1.8), rng.uniform(8.5, 10.0))


def advance(place: Placement, motion: str, pace: Pace) -> Placement:
    """One frame later. A motion ends at the edge of the frame, or at the largest or smallest size, and rests there."""
    if motion in DIRECTIONS:
        dx, dy = DIRECTIONS[motion]
        x, y = place.x + dx * pace.travel, place.y + dy * pace.travel
        return replace(place, x=_held(x, place.x, REACH), y=_held(y, place.y, REACH))
    if motion in ("grow", "shrink"):
        side = place.side + (pace.growth if motion == "grow" else -pace.growth)
        return replace(place, side=_held(side, place.side, SIDES))
    return replace(place, angle=place.angle + pace.turn) if motion == "spin" else place


def _held(value: float, before: float, limits: tuple[float, float]) -> float:
    """`value` kept within `limits`, unless it was outside already: then it may only come back."""
    return float(np.clip(value, min(limits[0], before), max(limits[1], before)))


def start(motion: str, pace: Pace, frames: int, rng: np.random.Generator) -> Placement:
    """Where a clip of `frames` frames begins, so that the motion has room and passes the middle half way."""
    x, y = CENTRE + rng.uniform(-2, 2, 2)
    side = rng.uniform(36, 42)
    if motion in DIRECTIONS:
        dx, dy = DIRECTIONS[motion]
        half = pace.travel * (frames - 1) / 2
        return Placement(x - dx * half, y - dy * half, side)
    if motion in ("grow", "shrink"):
        side = rng.uniform(16, 19) if motion == "grow" else rng.uniform(42, 46)
    return Placement(x, y, side)


def path(motion: str, frames: int, rng: np.random.Generator) -> list[Placement]:
    """Placements of a clip that shows `motion` from its first frame to its last."""
    pace = Pace.random(rng)
    return follow(start(motion, pace, frames, rng), [motion] * (frames - 1), pace)


def follow(place: Placement, motions: Sequence[str], pace: Pace) -> list[Placement]:
    """`place`, and where each of `motions` brings it, one a frame."""
    places = [place]
    for motion in motions:
        places.append(advance(places[-1], motion, pace))
    return places


def chained_path(motion: str, frames: int, given: int, rng: np.random.Generator) -> list[Placement]:
    """Placements of a clip whose first `given` frames end another (or the same) motion and whose rest shows `motion`.

    This is what a later piece of a long clip looks like: any place, size and angle, and a change of motion.
    """
    pace = Pace.random(rng)
    while True:
        before = motion if rng.uniform() < 0.35 else str(rng.choice(MOTIONS))
        first = start(before, pace, frames, rng)
        if before not in ("grow", "shrink"):
            first = replace(first, side=rng.uniform(24, 46))
        place = follow(first, [before] * int(rng.integers(0, 20)), pace)[-1]
        places = follow(place, [before] * (given - 1) + [motion] * (frames - given), pace)
        # where the motion finds no room the clip teaches that it rests: good to know, but rarely asked for
        if motion == "still" or places[given + 3] != places[given - 1] or rng.uniform() < 0.1:
            return places


def background(colour: str, rng: np.random.Generator) -> NDArray[np.float32]:
    """A plain picture of the named colour with a small random difference, H W 3 in [0, 1]."""
    rgb = np.clip(np.array(BACKGROUNDS[colour]) + rng.uniform(-COLOUR_JITTER, COLOUR_JITTER, 3), 0, 255) / 255
    return np.broadcast_to(rgb.astype(np.float32), (SIZE, SIZE, 3)).copy()


def render_clip(
    sprite: Sprite, motion: str, colour: str, rng: np.random.Generator, frames: int = 17
) -> NDArray[np.uint8]:
    """A clip of `frames` frames, shape T H W 3, 0 to 255."""
    return render_path(sprite, path(motion, frames, rng), colour, rng)


def render_path(
    sprite: Sprite, places: Sequence[Placement], colour: str, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """A clip with the sprite at each of `places`, shape T H W 3, 0 to 255."""
    canvas = background(colour, rng)
    drawn = [draw(canvas, sprite, place) for place in places]
    return (np.stack(drawn) * 255 + 0.5).clip(0, 255).astype(np.uint8)
