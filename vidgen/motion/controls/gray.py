"""Brightness without colour."""

import cv2
import numpy as np

from vidgen.media.frames import FrameChunk


def gray(frames: FrameChunk) -> FrameChunk:
    """The luma of each frame (BT.601) in all three channels, `uint8 [frames, height, width, 3]`."""
    luma = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in frames]
    return np.repeat(np.stack(luma)[..., None], 3, axis=-1)
