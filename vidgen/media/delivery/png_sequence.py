"""Frames to numbered PNG pictures in a zip. Every picture carries the recipe, so that one taken out still has it."""

import io
import zipfile
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from vidgen.media.delivery.written import WrittenVideo, no_frame
from vidgen.media.frames import FrameChunk
from vidgen.spec.output import Quality

COMPRESSION = {"draft": 1, "standard": 6, "high": 6, "lossless": 9}
KEYWORD = "Comment"
RATE = "frames per second: "
PERCEPTUAL = b"\0"
# zip files hold times; with this one the same frames give the same file
NO_TIME = (1980, 1, 1, 0, 0, 0)


def write_png_sequence(
    chunks: Iterable[FrameChunk], path: Path, *, fps: Fraction, quality: Quality, recipe: str = ""
) -> WrittenVideo:
    """`frame-000000.png`, … Raises MediaError without a frame. The archive's comment holds the rate."""
    count, size = 0, (0, 0)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for frame in (frame for chunk in chunks for frame in chunk):
            size = frame.shape[1], frame.shape[0]
            entry = zipfile.ZipInfo(f"frame-{count:06d}.png", NO_TIME)
            archive.writestr(entry, _png(frame, COMPRESSION[quality], recipe))
            count += 1
        archive.comment = f"{RATE}{fps}".encode()
    if count == 0:
        raise no_frame()
    return WrittenVideo(path, *size, count, float(fps))


def _png(frame: FrameChunk, compression: int, recipe: str) -> bytes:
    info, buffer = PngInfo(), io.BytesIO()
    info.add(b"sRGB", PERCEPTUAL)
    if recipe:
        info.add_itxt(KEYWORD, recipe, zip=True)
    Image.fromarray(np.ascontiguousarray(frame)).save(buffer, "PNG", pnginfo=info, compress_level=compression)
    return buffer.getvalue()
