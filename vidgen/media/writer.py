"""Frames to an MP4 that plays everywhere: H.264, yuv420p, BT.709 limited range and tagged so, faststart.

Frames stream through, so memory does not grow with the length. The file appears under its name only when complete.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc

from vidgen.errors import MediaError
from vidgen.media.frames import FrameChunk

CRF = 14
"""Constant rate factor: visually lossless for delivery; lower is larger."""

X264_PARAMS = "mbtree=0"
"""x264's macroblock tree made files of the same frames differ from run to run when other work had used the heap
(64×64 pixels; without it, or without its assembly, every run was the same)."""


@dataclass(frozen=True, slots=True)
class WrittenVideo:
    """What was written: `num_frames` counted while encoding, not copied from the request."""

    path: Path
    width: int
    height: int
    num_frames: int
    fps: float


def write_video(
    chunks: Iterable[FrameChunk],
    path: Path,
    *,
    fps: Fraction | int,
    metadata: dict[str, str] | None = None,
    crf: int = CRF,
    preset: str = "medium",
    threads: int = 0,
) -> WrittenVideo:
    """Encode all chunks at exactly `fps` frames a second. Raises MediaError when there is no frame at all.

    `preset` is x264's; `threads` 0 lets the libraries choose. Whatever goes wrong, no file is left under `path`.
    """
    part = path.with_suffix(".part.mp4")
    try:
        written = _encode(chunks, part, Fraction(fps), metadata or {}, crf, preset, threads)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return WrittenVideo(path, written.width, written.height, written.num_frames, written.fps)


def _encode(
    chunks: Iterable[FrameChunk],
    path: Path,
    fps: Fraction,
    metadata: dict[str, str],
    crf: int,
    preset: str,
    threads: int,
) -> WrittenVideo:
    with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart+use_metadata_tags"}) as container:
        container.metadata.update(metadata)
        stream = container.add_stream(
            "libx264", rate=fps, options={"crf": str(crf), "preset": preset, "x264-params": X264_PARAMS}
        )
        stream.pix_fmt = "yuv420p"
        context = stream.codec_context
        context.thread_count = threads
        context.color_primaries, context.color_trc = ColorPrimaries.BT709, ColorTrc.BT709
        context.colorspace, context.color_range = Colorspace.ITU709, ColorRange.MPEG
        count = 0
        for frame in (frame for chunk in chunks for frame in chunk):
            if count == 0:
                stream.height, stream.width = frame.shape[:2]
            picture = av.VideoFrame.from_ndarray(frame, format="rgb24").reformat(
                format="yuv420p", dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG, threads=threads
            )
            picture.pts, picture.time_base = count, 1 / fps
            container.mux(stream.encode(picture))
            count += 1
        if count == 0:
            raise MediaError("there is no frame to write")
        container.mux(stream.encode())
        return WrittenVideo(path, stream.width, stream.height, count, float(fps))
