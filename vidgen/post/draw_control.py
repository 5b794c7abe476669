"""A clip's edges, brightness, motion or layout as a control video: what a job that follows it would be given."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from vidgen.media.frames import FrameChunk
from vidgen.media.source import fit
from vidgen.motion.controls.draw import drawn
from vidgen.motion.controls.flow_colours import FULL_SPEED
from vidgen.runtime.control_drawer import Drawers
from vidgen.spec.post import DrawControl

Frame = NDArray[np.uint8]


class DrawnControl:
    """Holds a frame or two: a control is smoothed with its neighbours, and a motion leads from one to the next."""

    def __init__(self, step: DrawControl, drawers: Drawers) -> None:
        self._step, self._drawers = step, drawers

    def through(self, chunks: Iterator[FrameChunk]) -> Iterator[FrameChunk]:
        """Raises SpecError where nothing can be drawn."""
        step = self._step
        speed = FULL_SPEED if step.full_speed is None else step.full_speed
        how = {"smoothing": step.smoothing, "full_speed": speed}
        for frame in drawn(step.kind, self._sized(chunks), **how, drawers=self._drawers):
            yield np.ascontiguousarray(frame[None])

    def _sized(self, chunks: Iterator[FrameChunk]) -> Iterator[Frame]:
        for chunk in chunks:
            height, width = chunk.shape[1:3]
            yield from fit(chunk[..., :3], width=self._step.width or width, height=self._step.height or height)
