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


def encode_text(model: VideoModel, spec: SamplingFields) -> TextEmbeddings:
    if (spec.guidance_scale or 1.0) <= 1.0:
        return TextEmbeddings(positive=model.encode_text([spec.prompt]), negative=None)
    both = model.encode_text([spec.prompt, spec.negative_prompt])
    return TextEmbeddings(positive=both[:1], negative=both[1:])
