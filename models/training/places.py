"""Where the subject is in each frame: the motions that prompts name, and paths that none names.

Speeds are per frame, so that a clip of 25 frames is the longer version of one of 17, not a slower one. Knows geometry
alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

SIZE = 64
MOTIONS = ("left", "right", "up", "down", "grow", "shrink", "spin", "still")
ANY = "any"
"""Moves along no path that has a name: only a control can tell it."""
DIRECTIONS = {"left": (-1, 0), "right": (1, 0), "up": (0, -1), "down": (0, 1)}
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


def wander(frames: int, rng: np.random.Generator) -> list[Placement]:
    """A smooth path through three to four random points, with a size and an angle that may change on the way."""
    points = int(rng.integers(3, 5))
    moments, times = np.linspace(0, 1, points), np.linspace(0, 1, frames)
    bend = rng.uniform(*REACH, (points, 2))
    side = np.full(points, rng.uniform(22, 44)) if rng.uniform() < 0.6 else rng.uniform(20, 44, points)
    angle = np.zeros(points) if rng.uniform() < 0.6 else np.cumsum(rng.uniform(-40, 40, points))
    curve = np.polynomial.polynomial.polyfit(moments, np.column_stack((bend, side, angle)), points - 1)
    values = np.polynomial.polynomial.polyval(times, curve).T
    low, high = (REACH[0] - 5, REACH[0] - 5, SIDES[0]), (REACH[1] + 5, REACH[1] + 5, SIDES[1])
    values[:, :3] = np.clip(values[:, :3], low, high)
    return [Placement(float(x), float(y), float(s), float(a)) for x, y, s, a in values]
