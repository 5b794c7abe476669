"""Frames to a GIF: a palette of its own for every frame, so that nothing has to be known of the frames to come.

Delays are in hundredths of a second; each frame begins at its exact time, rounded, so that the clip's length is right.
A pixel is either opaque or not: half of full opacity counts as opaque.
"""

from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from vidgen.media.delivery.written import WrittenVideo, no_frame
from vidgen.media.frames import FrameChunk
from vidgen.spec.output import Quality

TICK = Fraction(1, 100)
DITHER = {"draft": "none", "standard": "bayer:bayer_scale=3", "high": "sierra2_4a"}
PALETTE = "stats_mode=single:reserve_transparent=1"


def write_gif(chunks: Iterable[FrameChunk], path: Path, *, fps: Fraction, quality: Quality) -> WrittenVideo:
    """Raises MediaError without a frame. `fps` is 50 at most, which `resolved_output` has seen to."""
    count, size = 0, (0, 0)
    last = _start(1, fps)
    with av.open(str(path), "w", format="gif", options={"loop": "0", "final_delay": str(last)}) as container:
        stream = container.add_stream("gif", rate=fps)
        stream.pix_fmt = "pal8"
        stream.codec_context.time_base = TICK
        palettes = _Palettes(quality)
        for frame in (frame for chunk in chunks for frame in chunk):
            if count == 0:
                size = frame.shape[1], frame.shape[0]
                stream.width, stream.height = size
            for picture in palettes.of(frame, _start(count, fps)):
                container.mux(stream.encode(picture))
            count += 1
        if count == 0:
            raise no_frame()
        container.mux(stream.encode())
    return WrittenVideo(path, *size, count, float(fps))


def _start(number: int, fps: Fraction) -> int:
    return round(number / fps / TICK)


class _Palettes:
    """FFmpeg's filters that choose 256 colours for each frame and dither it to them."""

    def __init__(self, quality: Quality) -> None:
        self._dither = DITHER[quality]
        self._graph: av.filter.Graph | None = None

    def of(self, frame: FrameChunk, start: int) -> Iterator[av.VideoFrame]:
        """The frame in its own 256 colours; it begins at `start` hundredths of a second."""
        pixel_format = "rgba" if frame.shape[-1] == 4 else "rgb24"
        if self._graph is None:
            self._graph = self._open(frame.shape[1], frame.shape[0], pixel_format)
        picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format=pixel_format)
        picture.pts, picture.time_base = start, TICK
        self._graph.push(picture)
        found = self._graph.pull()
        found.time_base = TICK
        yield found

    def _open(self, width: int, height: int, pixel_format: str) -> av.filter.Graph:
        graph = av.filter.Graph()
        source = graph.add_buffer(width=width, height=height, format=pixel_format, time_base=TICK)
        split, sink = graph.add("split"), graph.add("buffersink")
        choose = graph.add("palettegen", PALETTE)
        use = graph.add("paletteuse", f"new=1:alpha_threshold=128:dither={self._dither}")
        source.link_to(split)
        split.link_to(use, 0, 0)
        split.link_to(choose, 1, 0)
        choose.link_to(use, 0, 1)
        use.link_to(sink)
        graph.configure()
        return graph
