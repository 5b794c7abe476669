"""A look at the clip while it is being made: the first frame of the denoised estimate, at most twice a second, and the
last frame of every finished chunk."""

import io
import math
import time
from collections.abc import Callable

from PIL import Image
from torch import Tensor

from vidgen.media.frames import FrameChunk
from vidgen.stages.decode_latents import to_uint8
from vidgen.stages.model import Decoder

SECONDS_BETWEEN = 0.5
JPEG_QUALITY = 85
LOOKED_BACK = 3


class PreviewClock:
    """Decides when the next preview is due, so that previews never cost more than a small share of a run."""

    def __init__(self, model: Decoder, *, silent: bool = False) -> None:
        """`silent`: none is ever due, as decoding one takes memory."""
        self._model = model
        self._due = math.inf if silent else time.monotonic() + SECONDS_BETWEEN / 2

    def maybe(self, estimate: Callable[[], Tensor | None]) -> bytes | None:
        """A JPEG of the estimate's first frame when one is due, else None. `estimate` is called only then."""
        started = time.monotonic()
        if started < self._due or (latents := estimate()) is None:
            return None
        pixels = next(iter(self._model.decode(latents[:, :, :1])))
        picture = as_jpeg(to_uint8(pixels)[0])
        finished = time.monotonic()
        self._due = finished + max(SECONDS_BETWEEN, 10 * (finished - started))
        return picture


def last_frame(model: Decoder, latents: Tensor) -> bytes:
    """A JPEG of the last frame of finished latents, decoded from few of them: what lies further back hardly shows."""
    *_, pixels = model.decode(latents[:, :, -LOOKED_BACK:])
    return as_jpeg(to_uint8(pixels)[-1])


def as_jpeg(frame: FrameChunk) -> bytes:
    """`frame` is `uint8 [height, width, 3]`."""
    buffer = io.BytesIO()
    Image.fromarray(frame).save(buffer, "JPEG", quality=JPEG_QUALITY)
    return buffer.getvalue()
