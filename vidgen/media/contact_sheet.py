"""Clips side by side in one labelled PNG: columns and rows of cells, a few frames of its clip in each."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo

from vidgen.media.frames import FrameChunk

SHOWN = 3
"""Frames of a clip in its cell: the first, the middle one, the last."""
LONGEST_SIDE = 160
LETTERS = 14
GAP = 6
INK, PAPER = (230, 230, 230), (24, 24, 28)


class Filmstrip:
    """Keeps the shown frames of a clip of `num_frames` while it streams by."""

    def __init__(self, num_frames: int) -> None:
        self._chosen = [round(n * (num_frames - 1) / (SHOWN - 1)) for n in range(SHOWN)]
        self._kept: dict[int, FrameChunk] = {}

    def take(self, chunks: Iterator[FrameChunk]) -> FrameChunk:
        """Run the clip; its strip, `uint8 [height, SHOWN * width, 3]`."""
        seen = 0
        for chunk in chunks:
            self._kept |= {n: _small(frame) for n, frame in enumerate(chunk, seen) if n in self._chosen}
            seen += len(chunk)
        return np.concatenate([self._kept[n] for n in self._chosen], axis=1)


def write_sheet(
    path: Path,
    strips: Mapping[tuple[int, int], FrameChunk],
    *,
    columns: Sequence[str],
    rows: Sequence[str],
    title: str,
    about: str,
) -> None:
    """`strips` by (column, row), all of one size; `about` goes into the file as text, under the key vidgen."""
    font = ImageFont.load_default(size=LETTERS)
    height, width = next(iter(strips.values())).shape[:2]
    left = GAP + max((round(font.getlength(label)) for label in rows), default=0) + GAP
    top, line = 3 * GAP + 2 * LETTERS, LETTERS + GAP
    size = (left + len(columns) * (width + GAP), top + len(rows) * (height + GAP))
    sheet = Image.new("RGB", (max(size[0], round(font.getlength(title)) + 2 * GAP), size[1]), PAPER)
    draw = ImageDraw.Draw(sheet)
    draw.text((GAP, GAP), title, INK, font)
    for n, label in enumerate(columns):
        draw.text((left + n * (width + GAP), GAP + line), _cut(label, font, width), INK, font)
    for n, label in enumerate(rows):
        draw.text((GAP, top + n * (height + GAP) + (height - LETTERS) // 2), label, INK, font)
    for (column, row), strip in strips.items():
        sheet.paste(Image.fromarray(strip), (left + column * (width + GAP), top + row * (height + GAP)))
    info = PngInfo()
    info.add_itxt("vidgen", about)
    sheet.save(path, "PNG", pnginfo=info)


def _small(frame: FrameChunk) -> FrameChunk:
    height, width = frame.shape[:2]
    scale = min(1.0, LONGEST_SIDE / max(width, height))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return frame.copy() if scale == 1.0 else cv2.resize(frame, size, interpolation=cv2.INTER_AREA).astype(np.uint8)


def _cut(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: int) -> str:
    """As much of a label as goes over its column."""
    while font.getlength(text) > width and len(text) > 1:
        text = text[:-2].rstrip() + "…"
    return text
