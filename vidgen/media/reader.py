"""Frames by index out of clips that vidgen wrote or normalised itself; never out of a stranger's file.

decord reads H.264 where it has a wheel (it seeks well, but carries an old FFmpeg and has been unmaintained since 2021);
PyAV and Pillow read everything else. All give the same frames, and the tests hold them to it.
"""

import zipfile
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from pathlib import Path

import av
import numpy as np
from PIL import Image

from vidgen.errors import MediaError
from vidgen.media.frames import FrameChunk
from vidgen.media.opaque import on_white
from vidgen.media.probe import probe

FrameReader = Callable[[Path, Sequence[int]], FrameChunk]


def read_frames_decord(path: Path, indices: Sequence[int]) -> FrameChunk:
    """The frames at `indices` (from 0), `uint8 [len(indices), height, width, 3]`."""
    import decord

    try:
        frames: FrameChunk = decord.VideoReader(str(path), num_threads=1).get_batch(list(indices)).asnumpy()
    except (decord.DECORDError, IndexError) as error:
        raise MediaError(f"{path.name}: cannot read frames {list(indices)}") from error
    return frames


def read_frames_pyav(path: Path, indices: Sequence[int]) -> FrameChunk:
    """The same contract for every format, decoding from the start up to the last frame asked for."""
    wanted, found = set(indices), {}
    for number, frame in enumerate(every_frame(path)):
        if number in wanted:
            found[number] = frame
        if number >= max(wanted):
            break
    if missing := wanted - found.keys():
        raise MediaError(f"{path.name}: cannot read frames {sorted(missing)}")
    return np.stack([found[index] for index in indices])


def stream_frames(path: Path, indices: Sequence[int]) -> Iterator[FrameChunk]:
    """The frames at `indices`, which must not fall, one at a time, `uint8 [1, height, width, 3]`."""
    wanted = iter(indices)
    index = next(wanted, None)
    for number, frame in enumerate(every_frame(path)):
        while index == number:
            yield frame[None]
            index = next(wanted, None)
        if index is None:
            return
    if index is not None:
        raise MediaError(f"{path.name}: cannot read frame {index}")


def every_frame(path: Path, *, alpha: bool = False) -> Iterator[FrameChunk]:
    """All frames, `uint8 [height, width, 3]`, or 4 with `alpha`; without it, transparency is laid over white."""
    with path.open("rb") as file:
        head = file.read(12)
    if head.startswith(b"PK\x03\x04"):
        pictures = _zipped(path)
    elif head[8:12] == b"WEBP":
        pictures = _webp(path)
    else:
        pictures = _decoded(path)
    return pictures if alpha else map(on_white, pictures)


def frame_reader(path: Path) -> FrameReader:
    """decord's reader for H.264 where decord is installed, else PyAV's."""
    info = probe(path)
    if (info.codec, info.pix_fmt) != ("h264", "yuv420p"):
        return read_frames_pyav
    try:
        import decord  # noqa: F401
    except ImportError:
        return read_frames_pyav
    return read_frames_decord


def _decoded(path: Path) -> Iterator[FrameChunk]:
    alpha = probe(path).alpha
    pixel_format = "rgba" if alpha else "rgb24"
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        if alpha and stream.codec_context.name == "vp9":
            # FFmpeg's own decoder of VP9 does not know the second stream that carries transparency
            decoder = av.CodecContext.create("libvpx-vp9", "r")
            for packet in container.demux(stream):
                for frame in decoder.decode(packet):
                    yield frame.to_ndarray(format=pixel_format)
            return
        for frame in container.decode(stream):
            yield frame.to_ndarray(format=pixel_format)


def _zipped(path: Path) -> Iterator[FrameChunk]:
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            with archive.open(name) as entry, Image.open(entry, formats=("PNG",)) as picture:
                yield np.asarray(picture)


def _webp(path: Path) -> Iterator[FrameChunk]:
    with Image.open(path, formats=("WEBP",)) as picture:
        for number in count():
            try:
                picture.seek(number)
            except EOFError:
                return
            yield np.asarray(picture)
