"""One frame as a JPEG: posters and previews."""

from pathlib import Path

from PIL import Image

from vidgen.media.frames import FrameChunk
from vidgen.media.opaque import on_white

QUALITY = 90


def write_poster(frame: FrameChunk, path: Path) -> None:
    """`frame` is `uint8 [1, height, width, 3 or 4]`; what is transparent is shown over white."""
    Image.fromarray(on_white(frame[0])).save(path, "JPEG", quality=QUALITY)
