"""Where things are, over time: the outlines of their boxes, black on white."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from vidgen.media.frames import FrameChunk

LINE = 1 / 32  # of the frame's shorter side


@dataclass(frozen=True, slots=True)
class Box:
    """Edges in shares of the frame's width and height; parts beyond 0..1 are out of sight."""

    left: float
    top: float
    right: float
    bottom: float


def layout(tracks: Sequence[Sequence[Box | None]], height: int, width: int) -> FrameChunk:
    """`tracks` hold one box a frame each, None where the thing is not seen: `uint8 [frames, height, width, 3]`."""
    frames = np.full((len(tracks[0]), height, width, 3), 255, np.uint8)
    line = max(1, round(LINE * min(height, width)))
    for track in tracks:
        for frame, box in zip(frames, track, strict=True):
            if box is not None:
                first = (round(box.left * width), round(box.top * height))
                last = (round(box.right * width) - 1, round(box.bottom * height) - 1)
                cv2.rectangle(frame, first, last, (0, 0, 0), line)
    return frames
