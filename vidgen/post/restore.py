"""Detail fixed by a network: every frame enlarged by the upscaling network, which was trained to undo what decoders and
encoders leave, and reduced to its own size again by areas.

It helps frames that an encoder has spoiled. On frames that are merely soft it does a little harm: sharpen those.
"""

from collections.abc import Iterator

import cv2
import numpy as np

from vidgen.media.frames import FrameChunk
from vidgen_models.frame_networks import FrameUpscaler


class Restorer:
    """Frame by frame. `strength` (0..1) is how far a frame goes from what it was to what the network makes of it."""

    def __init__(self, net: FrameUpscaler, strength: float) -> None:
        self._net, self._strength = net, strength

    def through(self, chunks: Iterator[FrameChunk]) -> Iterator[FrameChunk]:
        for chunk in chunks:
            for frame in chunk:
                yield self._restored(frame)[None]

    def _restored(self, frame: FrameChunk) -> FrameChunk:
        height, width = frame.shape[:2]
        large = self._net.enlarge(frame[None])[0].astype(np.float32)
        made = cv2.resize(large, (width, height), interpolation=cv2.INTER_AREA)
        mixed = frame + self._strength * (made - frame)
        restored: FrameChunk = np.clip(np.rint(mixed), 0, 255).astype(np.uint8)
        return restored
