"""Prompts for parts of the frame, on pipelines that know one prompt: each part is predicted anew, and blended by place.

As our own loop does it (`stages/denoise.py`), around the network: a region costs one more prediction a step.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool3d

from vidgen.errors import ModelError
from vidgen.families.region_judge import RegionJudge
from vidgen.runtime.verdict import Verdict
from vidgen.stages.clip_model import PaintedRegion

Encode = Callable[[str], Tensor]
"""A prompt to its embedding `[1, tokens, dim]`, as the pipeline makes it."""


Saying = Callable[[Tensor], Sequence[Verdict]]
"""What is said of finished latents, as the pipeline holds them; nothing without a judge."""


@contextmanager
def regional(
    networks: Sequence[Any],
    prompt: str,
    regions: Sequence[PaintedRegion],
    encode: Encode,
    time: int,
    judge: RegionJudge | None = None,
) -> Iterator[Saying]:
    """While it lasts, the networks predict `prompt` with its regions; `time` is their output's axis of time.

    Raises ModelError at the end when the prompt never came by.
    """
    if not regions:
        yield _silent
        return
    whole = encode(prompt)
    parts = [(encode(region.prompt), region.weight * region.shares) for region in regions]
    met = [False]
    before = [(network, network.__dict__.get("forward")) for network in networks]
    for network in networks:
        network.forward = _with_parts(network.forward, whole, parts, met, time, judge)
    texts = [text for text, _ in parts]
    try:
        yield _silent if judge is None else lambda latents: judge.verdicts(latents, whole, texts)
    finally:
        for network, own in before:
            del network.forward
            if own is not None:
                network.forward = own
    if not met[0]:
        raise ModelError("regions: this model's network was never given the prompt as it was encoded; leave them out")


def _silent(latents: Tensor) -> Sequence[Verdict]:  # noqa: ARG001
    return ()


def _with_parts(
    plain: Callable[..., Any],
    whole: Tensor,
    parts: Sequence[tuple[Tensor, Tensor]],
    met: list[bool],
    time: int,
    judge: RegionJudge | None,
) -> Callable[..., Any]:
    def forward(*positional: Any, encoder_hidden_states: Tensor, **named: Any) -> Any:
        text = encoder_hidden_states
        output, *others = plain(*positional, encoder_hidden_states=text, **named)
        # of a batch under guidance, the unconditional half knows no regions
        rows = [n for n, row in enumerate(text) if torch.equal(row, whole[0].to(text))]
        met[0] = met[0] or bool(rows)
        if judge is not None and rows and not positional:
            judge.saw(plain, {**named, "encoder_hidden_states": text}, rows[0])
        for embedding, shares in parts if rows else ():
            told = text.clone()
            told[rows] = embedding.to(text)
            there = plain(*positional, encoder_hidden_states=told, **named)[0]
            grid = (output.shape[time], *output.shape[-2:])
            weights = adaptive_avg_pool3d(shares, grid).movedim(2, time).to(output)
            output = output.clone()
            output[rows] = torch.lerp(output[rows], there[rows], weights)
        return (output, *others)

    return forward
