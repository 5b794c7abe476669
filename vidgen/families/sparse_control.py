"""SparseCtrl (arXiv:2311.16933): AnimateDiff led by a few pictures at their moments, or by scribbles of them."""

from typing import Any

import numpy as np
import torch
from diffusers import AnimateDiffSparseControlNetPipeline
from PIL import Image

from vidgen.families.folder import ModelFolder
from vidgen.media.frames import FrameChunk
from vidgen.motion.controls.scribble import scribble

SEED = 0
TWO_TONED = 0.98
"""The share of pixels that are black or white, from which on a picture is a drawing already."""
TONE = 24
"""Grey levels from black or white."""


class SparseControlPipeline(AnimateDiffSparseControlNetPipeline):  # type: ignore[misc]
    """As diffusers', which encodes its pictures with whatever random numbers come; here with the same ones always."""

    def prepare_image(self, *arguments: Any, **named: Any) -> Any:
        with torch.random.fork_rng():
            torch.manual_seed(SEED)
            return super().prepare_image(*arguments, **named)


def draws_scribbles(folder: ModelFolder) -> bool:
    """Whether the folder's network reads drawings and not pictures: those come to it as they are, not encoded."""
    return not folder.config("controlnet").get("use_simplified_condition_embedding", True)


def scribbled(frames: FrameChunk) -> Image.Image:
    """The first frame's contours, white on black; a picture that is such a drawing already stays as it is."""
    frame = frames[:1]
    toned = (frame <= TONE).all(axis=-1) | (frame >= 255 - TONE).all(axis=-1)
    drawing = toned.mean() >= TWO_TONED and frame.mean() < np.iinfo(np.uint8).max / 2
    return Image.fromarray((frame if drawing else scribble(frame))[0])
