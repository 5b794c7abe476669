"""A moving camera as the motion of everything that is seen.

A pan, tilt, zoom or roll moves all alike, by a similarity about the frame's middle. A dolly and an orbit need to know
what is near: `near` says so, the subject 1 and the ground 0.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vidgen.motion.canvas import Canvas, Field
from vidgen.spec.conditioning.camera import DEGREES_AT_10, FASTEST, OCTAVES_AT_10, SHIFT_AT_10, Camera, CameraAxis

GROUND = 0.4
"""How fast the ground grows under a dolly, as a share of the subject's growth: it is two and a half times as far."""

Plane = NDArray[np.float32]
Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class MovingCamera:
    """`near` is `[height, width]`, 0..1."""

    camera: Camera
    fps: int
    near: Plane

    def apply_to(self, canvas: Canvas) -> Canvas:
        """The motion that leads to each frame; that to the clip's first is taken to be that to its second."""
        flow = [self._to(canvas, frame) for frame in range(canvas.num_frames)]
        return canvas.moved(canvas.resting() + np.stack(flow))

    def _to(self, canvas: Canvas, frame: int) -> NDArray[np.float32]:
        later = max(1 - canvas.first, frame)
        speeds = self.camera.at(canvas.share(later - 0.5) if canvas.total > 1 else 0.0)
        told = {axis: speed * canvas.strength for axis, speed in speeds.items()}
        height, width = canvas.size
        seen = camera_flow(told, self.fps, height, width, near=False)
        if not told["dolly"] and not told["orbit"]:
            return seen
        subject = camera_flow(told, self.fps, height, width, near=True)
        return np.asarray(self.near * subject + (1 - self.near) * seen, np.float32)


def camera_flow(speeds: dict[CameraAxis, float], fps: float, height: int, width: int, *, near: bool) -> Field:
    """`[2, height, width]`: how far each pixel has come since the frame before, where all is near, or all is far."""
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    centre = np.array([(width - 1) / 2, (height - 1) / 2])
    back = np.linalg.inv(seen_motion(speeds, fps, width, near=near))
    points = np.stack([x - centre[0], y - centre[1], np.ones_like(x)]).reshape(3, -1)
    moved = (points - back @ points)[:2].reshape(2, height, width)
    return np.asarray(moved, np.float32)


def seen_motion(speeds: dict[CameraAxis, float], fps: float, width: int, *, near: bool) -> Matrix:
    """3 x 3, about the frame's middle: where what is seen goes within one frame. It goes against the camera."""
    one = 1 / (FASTEST * fps)
    growth = speeds["zoom"] + speeds["dolly"] * (1.0 if near else GROUND)
    scale = 2.0 ** (OCTAVES_AT_10 * growth * one)
    turn = -math.radians(DEGREES_AT_10 * speeds["roll"] * one)
    cos, sin = scale * math.cos(turn), scale * math.sin(turn)
    shift = SHIFT_AT_10 * width * one
    across = shift * (-speeds["pan"] + (0.0 if near else speeds["orbit"]))
    return np.array([[cos, -sin, across], [sin, cos, shift * speeds["tilt"]], [0, 0, 1.0]])
