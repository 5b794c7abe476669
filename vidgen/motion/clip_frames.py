"""Frames of another clip that this one shows: at its beginning, at its end, or anywhere."""

from collections.abc import Callable
from dataclasses import dataclass

from vidgen.media.frames import FrameChunk
from vidgen.media.tensor import to_pixels
from vidgen.motion.canvas import Canvas


@dataclass(frozen=True, slots=True, eq=False)
class ClipFrames:
    """`read` gives all `count` frames, `uint8 [count, height, width, 3]`; they are shown from frame `begin` on."""

    read: Callable[[], FrameChunk]
    begin: int
    count: int

    def apply_to(self, canvas: Canvas) -> Canvas:
        """Raises SpecError where a frame is taken."""
        if self.begin >= canvas.first + canvas.num_frames or self.begin + self.count <= canvas.first:
            return canvas
        return canvas.shown(to_pixels(self.read()), self.begin)
