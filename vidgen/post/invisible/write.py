"""Puts an invisible mark into every frame; `read` finds it again."""

from collections.abc import Iterator

import cv2
import numpy as np

from vidgen.media.frames import FrameChunk
from vidgen.post.invisible.lattice import SIDE, directions, luminance, projections, teeth
from vidgen.post.invisible.message import bits_of
from vidgen.spec.post import InvisibleWatermark

ROUNDS = 3
"""Times that a frame's change is corrected: frames hold whole grey levels from 0 to 255."""


class InvisibleMarker:
    """A step. The change is the same in all three colours, and what is transparent stays so."""

    def __init__(self, step: InvisibleWatermark) -> None:
        self._bits = bits_of(step.message)

    def through(self, chunks: Iterator[FrameChunk]) -> Iterator[FrameChunk]:
        for chunk in chunks:
            yield np.stack([self._marked(frame) for frame in chunk])

    def _marked(self, frame: FrameChunk) -> FrameChunk:
        height, width = frame.shape[:2]
        found = projections(luminance(frame))
        wanted, marked, change = teeth(found, self._bits), frame.copy(), np.zeros((height, width), np.float32)
        for _ in range(ROUNDS):
            coarse = (directions().T @ (wanted - found)).reshape(SIDE, SIDE).astype(np.float32)
            change += cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
            marked[..., :3] = np.clip(np.rint(frame[..., :3] + change[..., None]), 0, 255)
            found = projections(luminance(marked))
        return marked
