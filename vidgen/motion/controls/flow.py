"""The motion in a clip: DIS optical flow (Kroeger et al. 2016), as OpenCV has it."""

from collections.abc import Iterable, Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from vidgen.media.frames import FrameChunk

Plane = NDArray[np.float32]


class FlowSearch:
    """Keeps the search's buffers from call to call; the frames must all have one size."""

    def __init__(self) -> None:
        self._search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
        # small frames have no detail to lose
        self._search.setFinestScale(0)

    def between(self, earlier: NDArray[np.uint8], later: NDArray[np.uint8]) -> Plane:
        """`[2, height, width]`: how far what is seen at each pixel of `later` has come since `earlier`, in pixels."""
        back = self._search.calc(_luma(later), _luma(earlier), None)
        return np.asarray(-back.transpose(2, 0, 1), np.float32)


def flow_stream(frames: Iterable[NDArray[np.uint8]]) -> Iterator[Plane]:
    """The motion that leads to each frame; that to the first is that to the second, rest where there is none."""
    search, before = FlowSearch(), None
    alone = None
    for frame in frames:
        if before is None:
            alone = np.zeros((2, *frame.shape[:2]), np.float32)
        else:
            found = search.between(before, frame)
            if alone is not None:
                yield found.copy()
                alone = None
            yield found
        before = frame
    if alone is not None:
        yield alone


def flow_of(frames: FrameChunk) -> NDArray[np.float32]:
    """All of it, `[frames, 2, height, width]`."""
    return np.stack(list(flow_stream(frames)))


def _luma(frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), np.uint8)
