"""A subject that follows a path: as the outline of a box that moves, or as the motion of what lies in the box."""

from dataclasses import dataclass, replace

import numpy as np

from vidgen.motion.canvas import Canvas
from vidgen.motion.controls.layout import Box
from vidgen.spec.conditioning.path import Path


@dataclass(frozen=True, slots=True)
class BoxTrack:
    """The box (`width` and `height` in shares of the frame) with its middle on the path."""

    path: Path
    width: float
    height: float

    def apply_to(self, canvas: Canvas) -> Canvas:
        boxes = tuple(self._box(*place(self.path, canvas, frame)) for frame in range(canvas.num_frames))
        return replace(canvas, tracks=(*canvas.tracks, boxes))

    def _box(self, x: float, y: float) -> Box:
        return Box(x - self.width / 2, y - self.height / 2, x + self.width / 2, y + self.height / 2)


@dataclass(frozen=True, slots=True)
class MovingBox:
    """The same path as the motion of all that lies within the box."""

    path: Path
    width: float
    height: float

    def apply_to(self, canvas: Canvas) -> Canvas:
        flow = canvas.resting()
        rows, columns = canvas.size
        y, x = np.mgrid[0:rows, 0:columns]
        for frame in range(canvas.num_frames):
            at = place(self.path, canvas, frame)
            within = (np.abs((x + 0.5) / columns - at[0]) <= self.width / 2) & (
                np.abs((y + 0.5) / rows - at[1]) <= self.height / 2
            )
            flow[frame][:, within] = np.array(step_to(self.path, canvas, frame), np.float32)[:, None]
        return canvas.moved(flow)


def place(path: Path, canvas: Canvas, frame: int) -> tuple[float, float]:
    """Where the path is at a frame of the canvas: its strength stretches or shortens the way from its first point."""
    begin, now = path.place(0.0), path.place(canvas.share(frame))
    return (
        begin[0] + canvas.strength * (now[0] - begin[0]),
        begin[1] + canvas.strength * (now[1] - begin[1]),
    )


def step_to(path: Path, canvas: Canvas, frame: int) -> tuple[float, float]:
    """How far the path has come since the frame before, in pixels; to the clip's first frame as to its second."""
    later = frame if canvas.around else max(1 - canvas.first, frame)
    before, now = place(path, canvas, later - 1), place(path, canvas, later)
    height, width = canvas.size
    return (now[0] - before[0]) * width, (now[1] - before[1]) * height
