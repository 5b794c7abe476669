"""A picture whose subject the clip takes over, without showing the picture."""

from dataclasses import dataclass, replace

from torch import Tensor

from vidgen.motion.canvas import Canvas


@dataclass(frozen=True, slots=True, eq=False)
class ReferencePicture:
    """`[3, height, width]` in -1..1."""

    picture: Tensor

    def apply_to(self, canvas: Canvas) -> Canvas:
        return replace(canvas, references=(*canvas.references, self.picture))
