"""A painted region that moves along a path: the motion brush."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from vidgen.motion.canvas import Canvas
from vidgen.motion.trajectory import place, step_to
from vidgen.spec.conditioning.path import Path

Plane = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class MotionBrush:
    """`region` is `[height, width]`, 1 where it is painted; it is carried along as the path goes on."""

    region: Plane
    path: Path

    def apply_to(self, canvas: Canvas) -> Canvas:
        flow = canvas.resting()
        for frame in range(canvas.num_frames):
            within = self._at(canvas, frame) > 0.5
            flow[frame][:, within] = np.array(step_to(self.path, canvas, frame), np.float32)[:, None]
        return canvas.moved(flow)

    def _at(self, canvas: Canvas, frame: int) -> Plane:
        """The region where it has come to."""
        begin, now = self.path.place(0.0), place(self.path, canvas, frame)
        height, width = canvas.size
        shift = np.array([[1, 0, (now[0] - begin[0]) * width], [0, 1, (now[1] - begin[1]) * height]], np.float32)
        return np.asarray(cv2.warpAffine(self.region, shift, (width, height)), np.float32)
