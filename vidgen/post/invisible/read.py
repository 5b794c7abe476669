"""Finds an invisible mark in frames, without the clip as it was before or where in it the frames lie."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from vidgen.media.frames import FrameChunk
from vidgen.post.invisible.lattice import leanings, luminance, projections
from vidgen.post.invisible.message import BITS, message_in


@dataclass(frozen=True, slots=True)
class Reading:
    """`message` is None where the bits are none; `certainty` (0..1) is how much the frames agree on them.

    Of a clip without a mark that moves it is about 0.15, of one that rests 0.64: it is the message that decides.
    """

    message: str | None
    certainty: float
    frames: int


class WatermarkReader:
    """A step that leaves frames as they are and looks for a mark in them."""

    def __init__(self) -> None:
        self._sum, self._frames = np.zeros(BITS), 0

    def through(self, chunks: Iterator[FrameChunk]) -> Iterator[FrameChunk]:
        for chunk in chunks:
            for frame in chunk:
                self._sum += leanings(projections(luminance(frame)))
                self._frames += 1
            yield chunk

    @property
    def bits(self) -> np.ndarray[Any, np.dtype[np.uint8]]:
        """As the frames say them, whether or not they are a message."""
        return (self._sum < 0).astype(np.uint8)

    @property
    def reading(self) -> Reading:
        certainty = float(np.abs(self._sum).mean() / max(self._frames, 1))
        return Reading(message_in(self.bits), round(certainty, 3), self._frames)

    def found(self) -> dict[str, Any]:
        """For the record of the steps."""
        return asdict(self.reading)
