"""The latents of a source clip, window by window, while the clip is encoded as one stream."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from vidgen.longvideo.planner import Window


class SourceLatents:
    """Holds the latents of one window at a time. `encode` begins the encoding of the whole clip anew.

    Windows are asked for in order; going back, as a retake does, encodes the clip once more.
    """

    def __init__(self, encode: Callable[[], Iterator[Tensor]]) -> None:
        self._encode = encode
        self._begin()

    def of(self, window: Window) -> Tensor:
        """The source's latents where the window lies, `[1, z, frames, h, w]`."""
        if window.start < self._first:
            self._begin()
        while self._first + len(self._held) < window.stop:
            self._held.append(next(self._stream))
            while self._first < window.start and len(self._held) > 1:
                self._first += 1
                del self._held[0]
        return torch.cat(self._held[window.start - self._first : window.stop - self._first], 2)

    def _begin(self) -> None:
        self._stream, self._held, self._first = self._encode(), list[Tensor](), 0
