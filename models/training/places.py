"""Where the subject is in each frame: the motions that prompts name, and paths that none names.

Speeds are per frame, so that a clip of 25 frames is the longer version of one of 17, not a slower one. Knows geometry
alone. Lengths are in units, 64ths of the picture (canvas.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from training.canvas import UNITS

ALIVE = "alive"
"""The subject moves by itself, as its own animation shows."""
MOTIONS = ("left", "right", "up", "down", "grow", "shrink", "spin", "still", "bounce", "shake", "fade", ALIVE)
PAIRED = ("left", "right", "up", "down", "spin", "still", "bounce", "shake", ALIVE)
"""Motions for which two subjects in one frame have room."""
ALONE = ("fade", ALIVE)
"""Motions that neither go on from another one nor lead to another one."""
ANY = "any"
"""Moves along no path that has a name: only a control can tell it."""
CHAINED = tuple(motion for motion in MOTIONS if motion not in ALONE)
DIRECTIONS = {"left": (-1, 0), "right": (1, 0), "up": (0, -1), "down": (0, 1)}
CENTRE = (UNITS - 1) / 2
REACH = (15.0, 48.0)  # of a centre
SIDES = (16.0, 48.0)  # of a sprite that grows or shrinks
LEAP, SWING = 11.0, 24.0  # of a subject that bounces, and of one that shakes, in degrees
APART, PAIR_SIDES, PAIR_PACE = 15.0, (20.0, 25.0), 0.5  # of two subjects: from the middle, their sides, their travel


@dataclass(frozen=True, slots=True)
class Placement:
    """Where and how the sprite is drawn in one frame: centre and side in units, angle in degrees clockwise, opacity
    from 0 to 1; `pose` counts the steps of its own motion, `phase` the turns of one that comes and goes."""

    x: float
    y: float
    side: float
    angle: float = 0.0
    opacity: float = 1.0
    pose: int = 0
    phase: float = 0.0


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast one clip's motions are, a frame: units of travel, units of side, degrees, leaps or swings, opacity."""

    travel: float
    growth: float
    turn: float
    beat: float
    dawn: float

    @classmethod
    def random(cls, rng: np.random.Generator) -> Pace:
        return cls(
            rng.uniform(1.15, 1.35),
            rng.uniform(1.5, 1.8),
            rng.uniform(8.5, 10.0),
            rng.uniform(0.11, 0.14),
            rng.uniform(0.06, 0.08),
        )


def advance(place: Placement, motion: str, pace: Pace) -> Placement:
    """One frame later. A motion ends at the edge of the frame, or at the largest or smallest size, and rests there."""
    if motion in DIRECTIONS:
        dx, dy = DIRECTIONS[motion]
        x, y = place.x + dx * pace.travel, place.y + dy * pace.travel
        return replace(place, x=_held(x, place.x, REACH), y=_held(y, place.y, REACH))
    if motion in ("grow", "shrink"):
        side = place.side + (pace.growth if motion == "grow" else -pace.growth)
        return replace(place, side=_held(side, place.side, SIDES))
    if motion in ("bounce", "shake"):
        return _swung(place, motion, place.phase + pace.beat)
    if motion == "fade":
        return replace(place, opacity=min(1.0, place.opacity + pace.dawn))
    if motion == ALIVE:
        return replace(place, pose=place.pose + 1)
    return replace(place, angle=place.angle + pace.turn) if motion == "spin" else place


def _swung(place: Placement, motion: str, phase: float) -> Placement:
    """The subject at another `phase` of its leap (a parabola from the floor and back) or its swing (a sine)."""
    if motion == "bounce":
        rise, before = (4 * LEAP * (p % 1) * (1 - p % 1) for p in (phase, place.phase))
        return replace(place, y=place.y + before - rise, phase=phase)
    swing, before = (SWING * np.sin(2 * np.pi * p) for p in (phase, place.phase))
    return replace(place, angle=place.angle + float(swing - before), phase=phase)


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
    if motion == "bounce":
        y += LEAP / 2
    pose = int(rng.integers(1, 100)) if motion == ALIVE else 0
    return Placement(x, y, side, opacity=0.0 if motion == "fade" else 1.0, pose=pose)


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


def paths_of_two(
    motions: tuple[str, str], frames: int, rng: np.random.Generator
) -> tuple[list[Placement], list[Placement]]:
    """Two smaller subjects side by side, each with its motion; which of them is on the left is left to chance."""
    sides = rng.permutation((-1, 1))
    return _beside(motions[0], sides[0], frames, rng), _beside(motions[1], sides[1], frames, rng)


def _beside(motion: str, side: float, frames: int, rng: np.random.Generator) -> list[Placement]:
    pace = Pace.random(rng)
    pace = replace(pace, travel=PAIR_PACE * pace.travel)
    first = start(motion, pace, frames, rng)
    first = replace(first, x=first.x + side * APART, side=rng.uniform(*PAIR_SIDES))
    return follow(first, [motion] * (frames - 1), pace)


def chained_path(motion: str, frames: int, given: int, rng: np.random.Generator) -> list[Placement]:
    """Placements of a clip whose first `given` frames end another (or the same) motion and whose rest shows `motion`.

    This is what a later piece of a long clip looks like: any place, size and angle, and a change of motion.
    """
    pace = Pace.random(rng)
    while True:
        before = motion if motion in ALONE or rng.uniform() < 0.35 else str(rng.choice(CHAINED))
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
