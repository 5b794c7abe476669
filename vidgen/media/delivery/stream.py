"""Frames to MP4, MOV or WebM through FFmpeg's muxers: exact rate, colours tagged, the index before the pictures.

Frames stream through, so memory does not grow with the length.
"""

from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc

from vidgen.errors import MediaError
from vidgen.media.delivery.encoders import Encoder
from vidgen.media.delivery.sound import Sound
from vidgen.media.delivery.written import WrittenVideo, no_frame
from vidgen.media.frames import FrameChunk

MUXERS = {".mp4": "mp4", ".mov": "mov", ".webm": "webm"}
# bitexact: Matroska's ids are random otherwise, and the same frames would give another file every time
MUXER_OPTIONS = {
    "mp4": {"movflags": "+faststart+use_metadata_tags"},
    "mov": {"movflags": "+faststart+use_metadata_tags+write_colr"},
    "webm": {"fflags": "+bitexact"},
}


def write_stream(
    chunks: Iterable[FrameChunk],
    path: Path,
    *,
    fps: Fraction,
    encoder: Encoder,
    tags: Mapping[str, str],
    threads: int | None = None,
    sound: Callable[["av.container.OutputContainer"], Sound] | None = None,
) -> WrittenVideo:
    """Encode all chunks at exactly `fps`. `threads` None: the encoder's own rule. `sound` makes what goes along.

    Raises MediaError without a frame.
    """
    muxer = MUXERS[path.suffix]
    with av.open(str(path), "w", format=muxer, options=MUXER_OPTIONS[muxer]) as container:
        container.metadata.update(tags)
        stream = container.add_stream(encoder.name, rate=fps, options=dict(encoder.options))
        _describe(stream, encoder, encoder.threads if threads is None else threads)
        beside = None if sound is None else sound(container)
        count = 0
        for frame in (frame for chunk in chunks for frame in chunk):
            if count == 0:
                stream.height, stream.width = _checked_size(frame, encoder)
            picture = _picture(frame, encoder, threads or 0)
            picture.pts, picture.time_base = count, 1 / fps
            container.mux(stream.encode(picture))
            count += 1
            if beside is not None:
                beside.until(count / fps)
        if count == 0:
            raise no_frame()
        container.mux(stream.encode())
        if beside is not None:
            beside.finish(count / fps)
        return WrittenVideo(
            path, stream.width, stream.height, count, float(fps), None if beside is None else beside.kept
        )


def _describe(stream: av.VideoStream, encoder: Encoder, threads: int) -> None:
    stream.pix_fmt = encoder.pixel_format
    context = stream.codec_context
    context.thread_count = threads
    if encoder.tag is not None:
        context.codec_tag = encoder.tag
    context.color_primaries, context.color_trc = ColorPrimaries.BT709, ColorTrc.BT709
    if encoder.rgb:
        context.colorspace, context.color_range = 0, ColorRange.JPEG  # 0: the planes are red, green and blue
    else:
        context.colorspace, context.color_range = Colorspace.ITU709, ColorRange.MPEG


def _checked_size(frame: FrameChunk, encoder: Encoder) -> tuple[int, int]:
    height, width, channels = frame.shape
    if channels == 4 and not encoder.alpha:
        raise MediaError(f"the frames are transparent in places, and {encoder.name} cannot carry that here")
    if encoder.even_sides and (width % 2 or height % 2):
        raise MediaError(f"{width}×{height}: this format needs even sides; nearest is {width & ~1}×{height & ~1}")
    return height, width


def _picture(frame: FrameChunk, encoder: Encoder, threads: int) -> av.VideoFrame:
    if encoder.alpha and frame.shape[-1] == 3:
        frame = np.dstack([frame, np.full(frame.shape[:2], 255, np.uint8)])
    source = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgba" if encoder.alpha else "rgb24")
    if encoder.rgb:
        return source.reformat(format=encoder.pixel_format, threads=threads)
    picture = source.reformat(
        format=encoder.pixel_format,
        dst_colorspace=Colorspace.ITU709,
        dst_color_range=ColorRange.MPEG,
        threads=threads,
    )
    # ProRes writes what the frames say, not what the stream says
    picture.color_primaries, picture.color_trc = ColorPrimaries.BT709, ColorTrc.BT709
    return picture
