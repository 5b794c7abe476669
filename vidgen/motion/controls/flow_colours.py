"""Motion as colours: the hue is its direction, the saturation its speed; white rests.

The wheel is that of the Middlebury benchmark (Baker et al., "A Database and Evaluation Methodology for Optical Flow",
2011): six spans of hue, of which red to yellow and magenta to red are the finest.
"""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from vidgen.media.frames import FrameChunk

SPANS = (15, 6, 4, 11, 13, 6)  # hues from red to yellow, green, cyan, blue, magenta and back to red
CORNERS = np.array([[1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 1, 1], [0, 0, 1], [1, 0, 1], [1, 0, 0]], np.float32)
FULL_SPEED = 1 / 16
"""The speed of full saturation, in widths of the frame per frame; faster motion is drawn as fast as that."""


def flow_colours(flow: NDArray[np.float32], full_speed: float = FULL_SPEED) -> FrameChunk:
    """The colours of `flow` `[frames, 2, height, width]` (x to the right and y down, in pixels from the frame before).

    A clip shows the motion that leads to each of its frames; its first frame repeats the second one's.
    """
    wheel = _wheel()
    moved = flow.astype(np.float32) / (full_speed * flow.shape[-1])
    speed = np.minimum(np.hypot(moved[:, 0], moved[:, 1]), 1.0)[..., None]
    turn = np.arctan2(-moved[:, 1], -moved[:, 0]) / np.pi  # -1..1
    place = (turn + 1) / 2 * (len(wheel) - 1)
    below = np.floor(place).astype(int)
    above, share = (below + 1) % len(wheel), (place - below)[..., None]
    hue = (1 - share) * wheel[below] + share * wheel[above]
    return np.asarray((1 - speed * (1 - hue)) * 255 + 0.5, np.uint8)


def _wheel() -> NDArray[np.float32]:
    """`[55, 3]` in 0..1."""
    parts = []
    for span, (first, last) in zip(SPANS, pairwise(CORNERS), strict=True):
        share = np.arange(span, dtype=np.float32)[:, None] / span
        parts.append((1 - share) * first + share * last)
    return np.concatenate(parts)
