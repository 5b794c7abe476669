"""Cross-fades planted in film, as where chunks that were made on their own are laid over each other."""

import numpy as np

from tests.bench.seams.defects import Defect
from vidgen.media.frames import FrameChunk
from vidgen.quality.seams.report import GHOST

FADE = 8
"""Frames that show both."""


def cross_faded(before: FrameChunk, after: FrameChunk, length: int) -> FrameChunk:
    """The last `length` frames of `before` give way to the first of `after`."""
    ramp = ((np.arange(length) + 1) / (length + 1))[:, None, None, None]
    mixed = before[-length:].astype(np.float32) * (1 - ramp) + after[:length].astype(np.float32) * ramp
    return np.concatenate([before[:-length], np.round(mixed).astype(np.uint8), after[length:]])


def restart(frames: FrameChunk, at: int, magnitude: float) -> FrameChunk:
    """Over FADE frames around `at` the shot gives way to what it showed `magnitude` frames earlier."""
    begin = at - FADE // 2
    return cross_faded(frames[: begin + FADE], frames[begin - int(magnitude) :], FADE)[: len(frames)]


def mirrored(frames: FrameChunk, at: int, magnitude: float) -> FrameChunk:  # noqa: ARG001
    """Over FADE frames around `at` the shot gives way to its own mirror image; the magnitude is none."""
    begin = at - FADE // 2
    return cross_faded(frames[: begin + FADE], frames[begin:, :, ::-1], FADE)


FADES = (Defect(restart, (6, 12), "frames", (GHOST,)), Defect(mirrored, (1,), "", (GHOST,)))
