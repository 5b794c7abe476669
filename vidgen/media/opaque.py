"""Transparency laid over white, for what cannot show it: JPEG, models, previews."""

import numpy as np

from vidgen.media.frames import FrameChunk


def on_white(frames: FrameChunk) -> FrameChunk:
    """`uint8 [..., 4]` to `[..., 3]`; what has three channels is left as it is."""
    if frames.shape[-1] == 3:
        return frames
    colour, opacity = frames[..., :3].astype(np.uint16), frames[..., 3:].astype(np.uint16)
    mixed: FrameChunk = ((colour * opacity + 255 * (255 - opacity) + 127) // 255).astype(np.uint8)
    return mixed
