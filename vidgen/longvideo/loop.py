"""Where a loop begins: it has no beginning of its own, so the file begins at a calm moment.

The step from the last frame to the first is then one of the smaller ones of the loop, and no more to be seen than they.
"""

from collections.abc import Iterable, Iterator

import numpy as np

from vidgen.media.frames import FrameChunk

TURNED = 7
"""At most so many frames of the beginning go to the end."""


def calmest(before: FrameChunk, frames: FrameChunk, most: int = TURNED) -> int:
    """How many frames to turn a loop by, 0 to `most`: to where the step to the first frame is smallest.

    `frames` are its first ones, `before` is its last one, `uint8 [frames, height, width, 3]`.
    """
    line = np.concatenate([before[-1:], frames[: most + 1]]).astype(np.int16)
    return int(np.abs(np.diff(line, axis=0)).mean((1, 2, 3)).argmin())


def turned(chunks: Iterable[FrameChunk], by: int) -> Iterator[FrameChunk]:
    """The loop's frames with the first `by` of them at its end."""
    held: list[FrameChunk] = []
    for chunk in chunks:
        early, late = chunk[:by], chunk[by:]
        by -= len(early)
        if len(early):
            held.append(early)
        if len(late):
            yield np.ascontiguousarray(late)
    yield from held
