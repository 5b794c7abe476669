"""Steps that know colours alone, over frames that may be transparent in places."""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from vidgen.media.frames import FrameChunk

Frame = NDArray[np.uint8]


def on_colours(work: Callable[[Frame], Frame], chunks: Iterator[FrameChunk]) -> Iterator[FrameChunk]:
    """`work` on the colours of each frame, `uint8 [height, width, 3]`; transparency passes by unchanged."""
    for chunk in chunks:
        colours = np.stack([work(np.ascontiguousarray(frame[..., :3])) for frame in chunk])
        yield colours if chunk.shape[-1] == 3 else np.concatenate([colours, chunk[..., 3:]], -1)
