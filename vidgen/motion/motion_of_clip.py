"""The motion of another clip, on this one's content."""

from collections.abc import Callable
from dataclasses import dataclass

from vidgen.motion.canvas import Canvas, Field, Use


@dataclass(frozen=True, slots=True, eq=False)
class MotionOfClip:
    """`read` gives the motion by first frame and count, `[count, 2, height, width]` in pixels a frame."""

    read: Callable[[int, int], Field]
    use: Use

    def apply_to(self, canvas: Canvas) -> Canvas:
        return canvas.moved(canvas.strength * self.read(canvas.first, canvas.num_frames), self.use)
