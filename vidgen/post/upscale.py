"""Larger frames, by a network that sees one frame at a time, in tiles; ×4 may be the network for ×2, twice."""

from collections.abc import Iterator, Sequence

from vidgen.media.frames import FrameChunk
from vidgen_models.frame_networks import FrameUpscaler


class Upscaling:
    """Frame by frame, so that memory is that of one large frame."""

    def __init__(self, passes: Sequence[FrameUpscaler]) -> None:
        self._passes = passes

    def through(self, chunks: Iterator[FrameChunk]) -> Iterator[FrameChunk]:
        for chunk in chunks:
            for frame in chunk:
                large = frame[None]
                for net in self._passes:
                    large = net.enlarge(large)
                yield large
