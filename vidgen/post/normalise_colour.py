"""Levels: the darkest and lightest places of a shot become black and white, and what should be grey becomes grey.

What a frame shows changes from frame to frame, so levels are followed slowly within a shot, and anew after a cut:
otherwise a subject that enters would make the whole picture breathe.
"""

from collections.abc import Callable, Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from vidgen.media.frames import FrameChunk
from vidgen.post.transparency import Frame, on_colours
from vidgen.spec.post import NormaliseColour

CUT_OFF = 0.5
"""Percent of the pixels at either end that do not count."""
MOST_GAIN = 3.0
FOLLOW = 0.08
"""Share of a new frame in the levels that are used."""
SMALL = 128
Levels = NDArray[np.float32]


class ColourNormaliser:
    """Follows the levels of a stream. `is_cut` says of two neighbours whether a new shot begins."""

    def __init__(self, step: NormaliseColour, is_cut: Callable[[Frame, Frame], bool]) -> None:
        self._strength, self._is_cut = step.strength, is_cut
        self._levels: Levels | None = None
        self._before: Frame | None = None

    def through(self, chunks: Iterator[FrameChunk]) -> Iterator[FrameChunk]:
        return on_colours(self._frame, chunks)

    def _frame(self, frame: Frame) -> Frame:
        found = levels(frame)
        new_shot = self._before is None or self._is_cut(self._before, frame)
        if self._levels is None or new_shot:
            self._levels = found
        else:
            self._levels = self._levels + FOLLOW * (found - self._levels)
        self._before = frame
        return stretched(frame, self._levels, self._strength)


def levels(frame: Frame) -> Levels:
    """`[2, 3]`: the darkest and lightest value of each colour, ends cut off."""
    scale = min(1.0, SMALL / max(frame.shape[:2]))
    small = cv2.resize(frame, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else frame
    found: Levels = np.percentile(small.reshape(-1, 3), [CUT_OFF, 100 - CUT_OFF], axis=0).astype(np.float32)
    return found


def stretched(frame: Frame, found: Levels, strength: float) -> Frame:
    """Each colour's levels to 0..255, with MOST_GAIN at most, mixed with the frame by `strength`."""
    low, high = found
    gain = np.minimum(255.0 / np.maximum(high - low, 1.0), MOST_GAIN)
    middle = (low + high) / 2
    # where the gain is limited, the middle of the levels goes to the middle of the range
    full = (np.arange(256, dtype=np.float32)[:, None] - middle) * gain + 127.5
    plain = np.arange(256, dtype=np.float32)[:, None]
    table = np.clip(np.rint(plain + strength * (full - plain)), 0, 255).astype(np.uint8)
    mapped: Frame = cv2.LUT(frame, table[None])
    return mapped
