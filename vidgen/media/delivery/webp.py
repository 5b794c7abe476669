"""Frames to an animated WebP, frame by frame: libwebp's own writer of animations keeps the whole clip in memory.

The container is that of RFC 9649. Every frame holds the rectangle that changed since the one before.
"""

import io
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image

from vidgen.media.delivery.written import WrittenVideo, no_frame
from vidgen.media.frames import FrameChunk
from vidgen.spec.output import Quality

HAS_XMP, HAS_ALPHA, IS_ANIMATED = 0x04, 0x10, 0x02
DO_NOT_BLEND = 0x02
PICTURE_CHUNKS = (b"ALPH", b"VP8 ", b"VP8L")
FACTORS = {"draft": 50, "standard": 75, "high": 92}
# of libwebp's six efforts; the last two cost several times the time for a few percent
EFFORT = 4


@dataclass(frozen=True, slots=True)
class _Rectangle:
    """Corners are even, because the container counts them in steps of two pixels."""

    left: int
    top: int
    right: int
    bottom: int


def write_webp(
    chunks: Iterable[FrameChunk], path: Path, *, fps: Fraction, quality: Quality, xmp: bytes = b""
) -> WrittenVideo:
    """Raises MediaError without a frame. `xmp` is an XMP packet for the file."""
    count, before = 0, None
    with path.open("wb") as out:
        out.write(b"RIFF\0\0\0\0WEBP")
        for frame in (frame for chunk in chunks for frame in chunk):
            if before is None:
                _write_head(out, frame, bool(xmp))
            milliseconds = round((count + 1) * 1000 / fps) - round(count * 1000 / fps)
            _write_frame(out, frame, _changed(before, frame), milliseconds, quality)
            before, count = frame, count + 1
        if before is None:
            raise no_frame()
        if xmp:
            _write_chunk(out, b"XMP ", xmp)
        size = out.tell()
        out.seek(4)
        out.write((size - 8).to_bytes(4, "little"))
    return WrittenVideo(path, before.shape[1], before.shape[0], count, float(fps))


def _write_head(out: BinaryIO, frame: FrameChunk, xmp: bool) -> None:
    height, width, channels = frame.shape
    flags = IS_ANIMATED | (HAS_ALPHA if channels == 4 else 0) | (HAS_XMP if xmp else 0)
    _write_chunk(out, b"VP8X", bytes([flags, 0, 0, 0]) + _three(width - 1) + _three(height - 1))
    _write_chunk(out, b"ANIM", bytes(4) + bytes(2))  # a clear ground, and over and over again


def _write_frame(
    out: BinaryIO, frame: FrameChunk, place: _Rectangle | None, milliseconds: int, quality: Quality
) -> None:
    lossless = quality == "lossless" or place is None
    place = place or _Rectangle(0, 0, min(2, frame.shape[1]), min(2, frame.shape[0]))
    picture = _encoded(frame[place.top : place.bottom, place.left : place.right], quality, lossless)
    head = _three(place.left // 2) + _three(place.top // 2)
    head += _three(place.right - place.left - 1) + _three(place.bottom - place.top - 1)
    _write_chunk(out, b"ANMF", head + _three(milliseconds) + bytes([DO_NOT_BLEND]) + picture)


def _changed(before: FrameChunk | None, frame: FrameChunk) -> _Rectangle | None:
    """Where the frame differs from the one before; None where it does not."""
    height, width = frame.shape[:2]
    if before is None:
        return _Rectangle(0, 0, width, height)
    different = (before != frame).any(axis=-1)
    if not different.any():
        return None
    rows, columns = np.flatnonzero(different.any(axis=1)), np.flatnonzero(different.any(axis=0))
    return _Rectangle(int(columns[0]) & ~1, int(rows[0]) & ~1, int(columns[-1]) + 1, int(rows[-1]) + 1)


def _encoded(pixels: FrameChunk, quality: Quality, lossless: bool) -> bytes:
    """The chunks of one picture as libwebp makes them, without the file around them."""
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(
        buffer, "WEBP", quality=FACTORS.get(quality, 75), lossless=lossless, exact=True, method=EFFORT
    )
    file, kept, place = buffer.getvalue(), b"", 12
    while place < len(file):
        size = int.from_bytes(file[place + 4 : place + 8], "little")
        end = place + 8 + size + size % 2
        if file[place : place + 4] in PICTURE_CHUNKS:
            kept += file[place:end]
        place = end
    return kept


def _write_chunk(out: BinaryIO, name: bytes, content: bytes) -> None:
    out.write(name + len(content).to_bytes(4, "little") + content + bytes(len(content) % 2))


def _three(number: int) -> bytes:
    return number.to_bytes(3, "little")
