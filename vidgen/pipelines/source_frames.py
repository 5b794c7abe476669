"""The frames of a clip that is processed, as it lies there: neither scaled nor re-timed."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from vidgen.errors import MediaError
from vidgen.media.frames import FrameChunk
from vidgen.media.probe import probe
from vidgen.media.reader import every_frame
from vidgen.media.source import is_still
from vidgen.runtime.context import RunContext
from vidgen.spec.clip_shape import ClipShape

CHUNK = 4


def source_shape(path: Path) -> ClipShape:
    """Raises MediaError when the file is a picture or holds no frame."""
    if is_still(path):
        raise MediaError(f"{path.name}: this is a picture; give a clip")
    info = probe(path)
    if not info.num_frames or not info.fps:
        raise MediaError(f"{path.name}: neither frames nor a rate were found in it")
    return ClipShape(info.width, info.height, info.num_frames, info.fps, info.alpha)


def source_frames(path: Path, ctx: RunContext) -> Iterator[FrameChunk]:
    """All frames, a few at a time, `uint8 [frames, height, width, 3 or 4]`. Raises Cancelled between them."""
    held: list[FrameChunk] = []
    for frame in every_frame(path, alpha=True):
        held.append(frame)
        if len(held) == CHUNK:
            ctx.checkpoint()
            yield np.stack(held)
            held = []
    if held:
        yield np.stack(held)
