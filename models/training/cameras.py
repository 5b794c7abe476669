"""Where the camera is in each frame: pans, tilts, zooms and rolls, at an even speed.

The world's coordinates are the frame's, as the camera stands in the middle of the clip. Knows geometry alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from training.places import CENTRE, Placement

CAMERAS = (
    "static",
    "pan left",
    "pan right",
    "tilt up",
    "tilt down",
    "zoom in",
    "zoom out",
    "roll clockwise",
    "roll counterclockwise",
)
CONTENT = {"pan left": (1, 0), "pan right": (-1, 0), "tilt up": (0, 1), "tilt down": (0, -1)}
"""Which way the picture's content goes: against the camera."""


@dataclass(frozen=True, slots=True)
class Pose:
    """How the world is drawn in one frame: enlarged by `zoom` and turned by `angle` (degrees clockwise) about the
    frame's middle, then moved by `x` and `y` units."""

    x: float = 0.0
    y: float = 0.0
    zoom: float = 1.0
    angle: float = 0.0

    def matrix(self) -> NDArray[np.float64]:
        """3 x 3, from the world's units to the frame's."""
        return similarity(self.x + CENTRE, self.y + CENTRE, self.zoom, self.angle) @ similarity(-CENTRE, -CENTRE)

    def seen(self, place: Placement) -> Placement:
        """Where a sprite at `place` in the world is drawn."""
        x, y, _ = self.matrix() @ (place.x, place.y, 1.0)
        return replace(place, x=x, y=y, side=place.side * self.zoom, angle=place.angle + self.angle)


STATIC = Pose()


def similarity(x: float, y: float, scale: float = 1.0, angle: float = 0.0) -> NDArray[np.float64]:
    """3 x 3: enlarges by `scale`, turns by `angle` (degrees clockwise, as y goes down), then moves."""
    turn = np.deg2rad(angle)
    cos, sin = scale * np.cos(turn), scale * np.sin(turn)
    return np.array([[cos, -sin, x], [sin, cos, y], [0, 0, 1.0]])


def camera_path(camera: str, frames: int, rng: np.random.Generator) -> Sequence[Pose]:
    """One pose a frame; the camera stands straight in the middle of the clip."""
    times = np.arange(frames) - (frames - 1) / 2
    if camera in CONTENT:
        dx, dy = np.array(CONTENT[camera]) * rng.uniform(0.9, 1.6)
        return [Pose(x=dx * t, y=dy * t) for t in times]
    if camera.startswith("zoom"):
        growth = rng.uniform(0.017, 0.028) * (1 if camera == "zoom in" else -1)
        return [Pose(zoom=float(np.exp(growth * t))) for t in times]
    if camera.startswith("roll"):
        # a camera that rolls clockwise sees the world turn the other way
        turn = rng.uniform(1.5, 2.8) * (-1 if camera == "roll clockwise" else 1)
        return [Pose(angle=turn * t) for t in times]
    return [STATIC] * frames
