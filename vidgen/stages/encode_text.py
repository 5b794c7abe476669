"""Prompt and negative prompt to the embeddings that guidance needs."""

from dataclasses import dataclass

from torch import Tensor

from vidgen.spec import SamplingFields
from vidgen.stages.model import VideoModel


@dataclass(frozen=True, slots=True, eq=False)
class TextEmbeddings:
    """`negative` is None when guidance is off (scale 1), so that no pass is spent on it."""

    positive: Tensor
    negative: Tensor | None
    parts: "tuple[TextPart, ...]" = ()
    """What counts in parts of the frame in place of this; where parts overlap, the later one."""


@dataclass(frozen=True, slots=True, eq=False)
class TextPart:
    """A text and how much it counts at each place of the latents' grid, `[1, 1, 1, h, w]` in 0..1."""

    text: TextEmbeddings
    weights: Tensor


def encode_text(model: VideoModel, spec: SamplingFields) -> TextEmbeddings:
    if (spec.guidance_scale or 1.0) <= 1.0:
        return TextEmbeddings(positive=model.encode_text([spec.prompt]), negative=None)
    both = model.encode_text([spec.prompt, spec.negative_prompt])
    return TextEmbeddings(positive=both[:1], negative=both[1:])
