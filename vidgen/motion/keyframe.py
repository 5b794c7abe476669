"""A picture that the clip shows at a given frame: frame 0 makes image-to-video."""

from dataclasses import dataclass

from torch import Tensor

from vidgen.errors import SpecError
from vidgen.motion.canvas import Canvas


@dataclass(frozen=True, slots=True, eq=False)
class Keyframe:
    """`picture` is `[3, height, width]` in -1..1; `index` counts from 0, negative numbers from the end."""

    picture: Tensor
    index: int = 0

    def apply_to(self, canvas: Canvas) -> Canvas:
        """Raises SpecError when the frame lies outside the clip or is taken."""
        if not -canvas.total <= self.index < canvas.total:
            last = canvas.total - 1
            raise SpecError(
                f"frame {self.index}: the clip has frames 0 to {last}; nearest is {last}", field="keyframes"
            )
        return canvas.shown(self.picture[None, :, None], self.index % canvas.total)
