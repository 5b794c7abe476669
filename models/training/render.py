"""Draws clips: one sprite, one motion, one plain background.

Knows geometry and colours. Does not know words (captions.py) or networks.
Speeds are per frame, so that a clip of 25 frames is the longer version of one of 17, not a slower one.
"""

from __future__ import annotations

from dataclasses import dataclass

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


def path(motion: str, frames: int, rng: np.random.Generator) -> list[Placement]:
    """Placements of a clip of `frames` frames showing `motion`, with small random size, position and speed."""
    centre, side = (SIZE - 1) / 2, rng.uniform(26, 38)
    x, y = centre + rng.uniform(-5, 5, 2)
    steps = np.arange(frames)
    if motion in DIRECTIONS:
        dx, dy = DIRECTIONS[motion]
        fastest = min(32.0 / 16, 40.0 / max(frames - 1, 1)) if frames > 17 else 2.0
        travel = (steps - (frames - 1) / 2) * rng.uniform(0.82 * fastest, fastest)
        x, y = (centre + rng.uniform(-2, 2), y) if dx else (x, centre + rng.uniform(-2, 2))
        return [Placement(x + dx * t, y + dy * t, side) for t in travel]
    if motion in ("grow", "shrink"):
        small, large = rng.uniform(12, 16), rng.uniform(40, 48)
        sides = np.linspace(small, large, frames) if motion == "grow" else np.linspace(large, small, frames)
        return [Placement(centre + (x - centre) / 2, centre + (y - centre) / 2, s) for s in sides]
    turn = rng.uniform(15.0, 17.0) if motion == "spin" else 0.0
    side = side * 1.05 if motion == "spin" else side
    return [Placement(x, y, side, turn * t) for t in steps]


def background(colour: str, rng: np.random.Generator) -> NDArray[np.float32]:
    """A plain picture of the named colour with a small random difference, H W 3 in [0, 1]."""
    rgb = np.clip(np.array(BACKGROUNDS[colour]) + rng.uniform(-COLOUR_JITTER, COLOUR_JITTER, 3), 0, 255) / 255
    return np.broadcast_to(rgb.astype(np.float32), (SIZE, SIZE, 3)).copy()


def render_clip(
    sprite: Sprite, motion: str, colour: str, rng: np.random.Generator, frames: int = 17
) -> NDArray[np.uint8]:
    """A clip of `frames` frames, shape T H W 3, 0 to 255."""
    canvas = background(colour, rng)
    drawn = [draw(canvas, sprite, place) for place in path(motion, frames, rng)]
    return (np.stack(drawn) * 255 + 0.5).clip(0, 255).astype(np.uint8)
