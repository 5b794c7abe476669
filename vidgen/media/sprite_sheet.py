"""A clip at a glance: frames chosen evenly over its length, made small, in one JPEG grid.

Tiles run from left to right and from top to bottom. The first tile is the first frame, the last one the last frame.
"""

from collections.abc import Iterator
from math import ceil
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from vidgen.media.frames import FrameChunk
from vidgen.media.opaque import on_white
from vidgen.media.still import QUALITY
from vidgen.media.tiles import chosen_frames, columns_of

LONGEST_SIDE = 160


class SpriteSheet:
    """Keeps the chosen frames, small, while a clip of `num_frames` streams by; memory does not grow with its length."""

    def __init__(self, num_frames: int) -> None:
        self._chosen = frozenset(chosen_frames(num_frames))
        self._tiles: list[FrameChunk] = []
        self._seen = 0

    @property
    def num_tiles(self) -> int:
        return len(self._tiles)

    def through(self, chunks: Iterator[FrameChunk]) -> Iterator[FrameChunk]:
        """Pass the frames on unchanged."""
        for chunk in chunks:
            self._tiles += [_small(frame) for n, frame in enumerate(chunk, self._seen) if n in self._chosen]
            self._seen += len(chunk)
            yield chunk

    def write(self, path: Path) -> tuple[int, int]:
        """Write the sheet of the frames that came; returns its width and height. There must have been one."""
        columns = columns_of(len(self._tiles))
        height, width = self._tiles[0].shape[:2]
        sheet = np.zeros((ceil(len(self._tiles) / columns) * height, columns * width, 3), np.uint8)
        for n, tile in enumerate(self._tiles):
            top, left = n // columns * height, n % columns * width
            sheet[top : top + height, left : left + width] = tile
        Image.fromarray(sheet).save(path, "JPEG", quality=QUALITY)
        return sheet.shape[1], sheet.shape[0]


def _small(frame: FrameChunk) -> FrameChunk:
    """A frame whose longer side is LONGEST_SIDE at most; smaller ones stay as they are."""
    frame = on_white(frame)
    height, width = frame.shape[:2]
    scale = LONGEST_SIDE / max(width, height)
    if scale >= 1:
        return frame.copy()
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
