"""One frame as a JPEG: posters and previews."""

from pathlib import Path

from PIL import Image

from vidgen.media.frames import FrameChunk

QUALITY = 90


def write_poster(frame: FrameChunk, path: Path) -> None:
    """`frame` is `uint8 [1, height, width, 3]`."""
    Image.fromarray(frame[0]).save(path, "JPEG", quality=QUALITY)
