"""A control video that the clip follows: edges, depth, pose, layout, or a drawn motion."""

from collections.abc import Callable
from dataclasses import dataclass

from vidgen.media.frames import FrameChunk
from vidgen.media.tensor import to_pixels
from vidgen.motion.canvas import Canvas, Use


@dataclass(frozen=True, slots=True, eq=False)
class ControlVideo:
    """`read` gives frames of the control by first and count, `uint8 [count, height, width, 3]`."""

    read: Callable[[int, int], FrameChunk]
    use: Use

    def apply_to(self, canvas: Canvas) -> Canvas:
        return canvas.led(to_pixels(self.read(canvas.first, canvas.num_frames)), self.use)
