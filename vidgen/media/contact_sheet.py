"""Clips side by side in one labelled PNG: columns and rows of cells, a few frames of its clip in each.

Loads no decoder: the web process draws sheets of clips that are there, from their sprite sheets.
"""

from collections.abc import Iterator, Mapping, Sequence
from math import ceil
from pathlib import Path
from typing import IO

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo

from vidgen.media.frames import FrameChunk
from vidgen.media.tiles import columns_of

SHOWN = 3
"""Frames of a clip in its cell: the first, the middle one, the last."""
LONGEST_SIDE = 160
LETTERS = 14
GAP = 6
INK, PAPER, FAINT = (230, 230, 230), (24, 24, 28), (130, 130, 130)
NOTHING: Mapping[tuple[int, int], str] = {}


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


def strip_of(sprite_sheet: Path, num_tiles: int) -> FrameChunk:
    """The strip of a clip that has a sprite sheet of so many tiles."""
    columns = columns_of(num_tiles)
    with Image.open(sprite_sheet) as sheet:
        width, height = sheet.width // columns, sheet.height // ceil(num_tiles / columns)
        shown = [round(n * (num_tiles - 1) / (SHOWN - 1)) for n in range(SHOWN)]
        places = [(n % columns * width, n // columns * height) for n in shown]
        tiles = [sheet.crop((left, top, left + width, top + height)).convert("RGB") for left, top in places]
    return np.concatenate([_small(np.asarray(tile)) for tile in tiles], axis=1)


def write_sheet(
    to: Path | IO[bytes],
    strips: Mapping[tuple[int, int], FrameChunk],
    *,
    columns: Sequence[str],
    rows: Sequence[str],
    title: str,
    about: str,
    missing: Mapping[tuple[int, int], str] = NOTHING,
) -> None:
    """`strips` by (column, row); `missing` says why there is none. `about` goes into the file, under the key vidgen.

    Cells are as large as the largest strip.
    """
    font = ImageFont.load_default(size=LETTERS)
    height = max((strip.shape[0] for strip in strips.values()), default=SHOWN * LETTERS)
    width = max((strip.shape[1] for strip in strips.values()), default=SHOWN * LONGEST_SIDE)
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
    for (column, row), word in missing.items():
        place = (left + column * (width + GAP) + GAP, top + row * (height + GAP) + (height - LETTERS) // 2)
        draw.text(place, _cut(word, font, width), FAINT, font)
    info = PngInfo()
    info.add_itxt("vidgen", about)
    sheet.save(to, "PNG", pnginfo=info)


def _small(frame: FrameChunk) -> FrameChunk:
    height, width = frame.shape[:2]
    scale = min(1.0, LONGEST_SIDE / max(width, height))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    if scale == 1.0:
        return frame.copy()
    return np.asarray(Image.fromarray(frame).resize(size, Image.Resampling.BOX))


def _cut(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: int) -> str:
    """As much of a label as goes over its column."""
    while font.getlength(text) > width and len(text) > 1:
        text = text[:-2].rstrip() + "…"
    return text
