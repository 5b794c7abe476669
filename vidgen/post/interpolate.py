"""More frames in the same time, at any rate: frames between two others are drawn by a network, never across a cut.

Frame k of the result lies at k / fps seconds, exactly. Where that is a frame of the source, it is that very
frame. Between the last frame of a shot and the first of the next, the nearer of the two is shown.
"""

from collections.abc import Callable, Iterator
from fractions import Fraction

import numpy as np

from vidgen.media.frames import FrameChunk
from vidgen.post.transparency import Frame
from vidgen_models.frame_networks import FrameInterpolator


class Interpolation:
    """From `source_fps` to `fps`, holding one frame. `is_cut` says of two neighbours whether a new shot begins."""

    def __init__(
        self,
        net: FrameInterpolator,
        is_cut: Callable[[Frame, Frame], bool],
        *,
        source_fps: Fraction,
        fps: Fraction,
    ) -> None:
        self._net, self._is_cut = net, is_cut
        self._pace = source_fps / fps  # source frames for each frame of the result

    def through(self, chunks: Iterator[FrameChunk]) -> Iterator[FrameChunk]:
        before: Frame | None = None
        count = made = 0
        for frame in (frame for chunk in chunks for frame in chunk):
            if before is not None:
                # the moments from the frame before up to this one, which belongs to the next stretch
                moments = self._moments(made, count)
                made += len(moments)
                if moments:
                    yield self._stretch(before, frame, [float(moment - (count - 1)) for moment in moments])
            before, count = frame, count + 1
        if before is not None and made * self._pace == count - 1:
            yield before[None]

    def _moments(self, made: int, count: int) -> list[Fraction]:
        """When the next frames of the result lie, in source frames, as far as they come before frame `count`."""
        moments: list[Fraction] = []
        while (moment := (made + len(moments)) * self._pace) < count:
            moments.append(moment)
        return moments

    def _stretch(self, before: Frame, after: Frame, times: list[float]) -> FrameChunk:
        between = [time for time in times if time > 0]
        if not between:
            return before[None]
        if self._is_cut(before, after):
            drawn = np.stack([before if time < 0.5 else after for time in between])
        else:
            drawn = self._net.between(before, after, between)
        return drawn if len(between) == len(times) else np.concatenate([before[None], drawn])
