"""Prompt and negative prompt to the embeddings that guidance needs."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
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

    def within(self, shot: int, start: int, stop: int, lead: int = 0) -> "TextEmbeddings":
        """For latent frames `start` to `stop` of a shot's stream, behind `lead` frames that no part reaches."""
        return replace(self, parts=tuple(part.within(shot, start, stop, lead) for part in self.parts))


@dataclass(frozen=True, slots=True, eq=False)
class TextPart:
    """A text, and where it counts on the latents' grid, `[1, 1, 1, h, w]` in 0..1; there by `weight` (0..1).

    Where that changes, `over_time` gives it by shot, first latent frame and the one beyond the last: `[1, 1, n, h, w]`.
    `field` is that of the spec which asked for it, where its effect is to be told.
    """

    text: TextEmbeddings
    weights: Tensor
    over_time: Callable[[int, int, int], Tensor] | None = None
    weight: float = 1.0
    field: str = ""

    def within(self, shot: int, start: int, stop: int, lead: int) -> "TextPart":
        text = self.text.within(shot, start, stop, lead)
        if self.over_time is None:
            return replace(self, text=text)
        weights = self.over_time(shot, start, stop)
        before = torch.zeros(1, 1, lead, *weights.shape[3:])
        return replace(self, text=text, weights=torch.cat([before, weights], 2), over_time=None)


def encode_text(model: VideoModel, spec: SamplingFields) -> TextEmbeddings:
    if (spec.guidance_scale or 1.0) <= 1.0:
        return TextEmbeddings(positive=model.encode_text([spec.prompt]), negative=None)
    both = model.encode_text([spec.prompt, spec.negative_prompt])
    return TextEmbeddings(positive=both[:1], negative=both[1:])
