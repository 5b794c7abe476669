"""A canvas to the contexts that a model understands."""

from collections.abc import Sequence

import torch
from torch import Tensor

from vidgen.motion.canvas import Canvas, ConditioningItem, blank_canvas, painted
from vidgen.stages.conditioning import Conditioning, Layer
from vidgen.stages.model import VideoModel


def encode_conditioning(
    model: VideoModel, items: Sequence[ConditioningItem], *, num_frames: int, height: int, width: int
) -> Conditioning | None:
    """Paint every item onto a blank canvas and encode it; None when there is nothing on it.

    Raises SpecError when two items claim the same frame.
    """
    return encode_canvas(model, painted(items, blank_canvas(num_frames, height, width)))


def encode_canvas(
    model: VideoModel, canvas: Canvas, *, full_speed: float | None = None, warm: int = 0
) -> Conditioning | None:
    """The canvas' contexts without their first `warm` latent frames, which are of frames before the window.

    None when nothing is painted on it.
    """
    layers = canvas.control_layers(full_speed)
    if not (canvas.is_known or layers or canvas.references):
        return None

    def encoded(pixels: Tensor) -> Tensor:
        return model.encode_control(pixels, canvas.mask)[:, :, warm:]

    alone = not (canvas.is_known or layers)
    shown = _shown(model, canvas)
    return Conditioning(
        known=encoded(canvas.pixels) if canvas.is_known or alone else None,
        layers=tuple(
            Layer(encoded(canvas.under(layer)), layer.use.weight, layer.use.start, layer.use.end) for layer in layers
        ),
        references=None if shown is None else model.reference_context(shown),
        shown=shown,
    )


def _shown(model: VideoModel, canvas: Canvas) -> Tensor | None:
    """The latents of the references, `[1, z, pictures, h, w]`."""
    if not canvas.references:
        return None
    return torch.cat([model.encode_pixels(picture[None, :, None]) for picture in canvas.references], 2)
