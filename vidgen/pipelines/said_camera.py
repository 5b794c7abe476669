"""A camera that is said by time: its words as prompts of their own, and how much each counts at each latent frame."""

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor

from vidgen.longvideo.planner import GROUP
from vidgen.pipelines.resolved import Resolved
from vidgen.spec import SamplingFields
from vidgen.spec.conditioning.camera_words import SaidMove, said, said_moves
from vidgen.stages.encode_text import TextPart, encode_text
from vidgen.stages.model import VideoModel

EVERYWHERE = torch.ones(1, 1, 1, 1, 1)


def camera_parts(model: VideoModel, spec: SamplingFields, prompt: str, clock: Sequence[int]) -> tuple[TextPart, ...]:
    """One part a move of a resolved spec's camera, each `prompt` with the move's words; none where it is not said so.

    `clock` says, by shot, as which frame latent frame 1 begins.
    """
    last = Resolved.of(spec).num_frames - 1
    parts = []
    for move in said_moves(spec, model.conditioning):
        text = encode_text(model, spec.model_copy(update={"prompt": said(prompt, move.words)}))
        parts.append(TextPart(text, EVERYWHERE, partial(_over_time, move, last, clock)))
    return tuple(parts)


def _over_time(move: SaidMove, last: int, clock: Sequence[int], shot: int, start: int, stop: int) -> Tensor:
    """`[1, 1, latent frames, 1, 1]`: of each the mean over the motions that lead to the frames it shows."""
    weights = []
    for n in range(start, stop):
        first, count = (clock[shot] + GROUP * (n - 1), GROUP) if n else (clock[shot] - 1, 1)
        led = [move.weight(min(1.0, max(0.0, (first + it - 0.5) / max(1, last)))) for it in range(count)]
        weights.append(sum(led) / count)
    return torch.tensor(weights).view(1, 1, -1, 1, 1)
