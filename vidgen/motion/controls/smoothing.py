"""Controls smoothed over time: each frame is mixed with its neighbours, which are first moved to where it has come to.

Without that a moving edge would be doubled.
"""

from collections.abc import Iterator
from itertools import chain

import cv2
import numpy as np
from numpy.typing import NDArray

from vidgen.motion.controls.flow import FlowSearch

Frame = NDArray[np.uint8]
Pair = tuple[Frame, Frame]


def smoothed(pairs: Iterator[Pair], amount: float) -> Iterator[Frame]:
    """From pairs of a frame and its control, the controls; `amount` 1 gives each neighbour as much as the frame."""
    search, before, now = FlowSearch(), None, next(pairs, None)
    for after in chain(pairs, [None]):
        if now is None:
            return
        beside = [_moved(search, pair, now[0]) for pair in (before, after) if pair is not None]
        weight = amount / (1 + amount * len(beside))
        mixed = (1 - weight * len(beside)) * now[1].astype(np.float32) + weight * sum(beside, np.float32(0))
        yield np.rint(mixed).astype(np.uint8)
        before, now = now, after


def _moved(search: FlowSearch, pair: Pair, to: Frame) -> NDArray[np.float32]:
    """A neighbour's control where `to` sees it."""
    come = search.between(pair[0], to)
    rows, columns = np.indices(to.shape[:2], np.float32)
    return np.asarray(
        cv2.remap(
            pair[1].astype(np.float32), columns - come[0], rows - come[1], cv2.INTER_LINEAR, None, cv2.BORDER_REPLICATE
        )
    )
