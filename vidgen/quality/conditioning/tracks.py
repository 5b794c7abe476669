"""Where a subject is in every frame: by what stands out from the ground, else by following the motion in its box."""

import numpy as np
from numpy.typing import NDArray

from vidgen.media.frames import FrameChunk
from vidgen.motion.controls.flow import flow_of
from vidgen.motion.controls.layout import Box
from vidgen.motion.subject import boxes_of, middle

Places = NDArray[np.float64]
SEEN = 0.8
"""Share of the frames in which a subject must stand out to be followed by that."""


def subject_track(frames: FrameChunk) -> Places | None:
    """`[frames, 2]`, shares of the frame; None where no subject stands out. Frames without one are led over."""
    boxes = boxes_of(frames)
    seen = [n for n, box in enumerate(boxes) if box is not None]
    if len(seen) < SEEN * len(frames):
        return None
    places = np.array([middle(box) for box in boxes if box is not None])
    return np.stack([np.interp(range(len(frames)), seen, places[:, axis]) for axis in (0, 1)], 1)


def followed(frames: FrameChunk, box: Box) -> Places:
    """The middle of a box of the first frame, carried on by the median motion of what lies in it."""
    flow = flow_of(frames)
    height, width = frames.shape[1:3]
    place, half = np.array(middle(box)), np.array([(box.right - box.left) / 2, (box.bottom - box.top) / 2])
    found = [place]
    for field in flow[1:]:
        low, high = place - half, place + half
        columns = slice(max(0, int(low[0] * width)), max(1, int(high[0] * width)))
        rows = slice(max(0, int(low[1] * height)), max(1, int(high[1] * height)))
        within = field[:, rows, columns].reshape(2, -1)
        if within.size:
            place = place + np.median(within, axis=1) / (width, height)
        found.append(place)
    return np.array(found)


def error(found: Places, asked: Places, aspect: float) -> NDArray[np.float64]:
    """By frame, in shares of the frame's width; `aspect` is height by width."""
    away = (found - asked) * (1.0, aspect)
    return np.asarray(np.hypot(away[:, 0], away[:, 1]))
