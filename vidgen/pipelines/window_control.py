"""The conditioning items of a clip, window by window: which of its frames a window's canvas holds, and its encoding."""

from collections.abc import Sequence
from dataclasses import dataclass

from vidgen.longvideo.planner import GROUP, Window
from vidgen.motion.canvas import Canvas
from vidgen.motion.items import Items
from vidgen.pipelines.resolved import Resolved
from vidgen.stages.conditioning import Conditioning
from vidgen.stages.encode_conditioning import encode_canvas
from vidgen.stages.model import VideoModel

WARM = 3
"""Groups of frames encoded before a window in the middle of a stream, so that its latents are nearly as in the stream:
the error of the first is a twentieth of what a group of frames makes."""


@dataclass(frozen=True, slots=True, eq=False)
class WindowControl:
    """`clock` says, by shot, as which frame of the clip its latent frame 1 begins."""

    model: VideoModel
    items: Items
    asked: Resolved
    clock: Sequence[int]

    def of(self, window: Window) -> Conditioning | None:
        """What the window is conditioned on; None where no item reaches it."""
        canvas, warm = self.canvas(window)
        return encode_canvas(self.model, canvas, full_speed=self.items.full_speed, warm=warm)

    def name(self, window: Window) -> str:
        """What the items say of the window, by content; empty where they say nothing."""
        return self.items.name_of(*self._frames(window)[:2])

    def canvas(self, window: Window) -> tuple[Canvas, int]:
        """The items' canvas of the window's frames, and how many latent frames of it lie before the window."""
        first, count, warm = self._frames(window)
        asked = self.asked
        return self.items.canvas(first, count, asked.num_frames, asked.height, asked.width), warm

    def _frames(self, window: Window) -> tuple[int, int, int]:
        """First frame and count of what is encoded, and the latent frames of it that lie before the window."""
        begin = self.clock[window.shot]
        if window.start <= WARM + 1:
            return begin - 1, GROUP * (window.stop - 1) + 1, window.start
        groups = WARM + window.length
        return begin + GROUP * (window.start - WARM - 1) - 1, GROUP * groups + 1, WARM + 1
