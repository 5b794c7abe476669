"""Conditioning items to the one control tensor a model understands."""

from collections.abc import Sequence

from torch import Tensor

from vidgen.motion.canvas import Canvas, ConditioningItem, blank_canvas
from vidgen.stages.model import VideoModel


def encode_conditioning(
    model: VideoModel, items: Sequence[ConditioningItem], *, num_frames: int, height: int, width: int
) -> Tensor | None:
    """Paint every item onto a blank canvas and encode it; None when there is no item.

    Raises SpecError when two items claim the same frame.
    """
    if not items:
        return None
    canvas: Canvas = blank_canvas(num_frames, height, width)
    for item in items:
        canvas = item.apply_to(canvas)
    return model.encode_control(canvas.pixels, canvas.mask)
