"""A text or a picture laid over every frame, at one place. It can be seen; the invisible kind is another step."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from vidgen.errors import MediaError, SpecError
from vidgen.media.frames import FrameChunk
from vidgen.spec.post import Watermark

MARGIN = 0.02
"""Of the frame's shorter side."""
OUTLINE = 0.06
"""Of the text's height: dark around light, so that it is read on any ground."""
Overlay = NDArray[np.float32]


class Watermarker:
    """Draws the mark once, when the frames' size is known. `image` is the mark's file, where it is a picture."""

    def __init__(self, step: Watermark, image: Path | None = None) -> None:
        self._step, self._image = step, image
        self._mark: tuple[slice, slice, Overlay] | None = None

    def through(self, chunks: Iterator[FrameChunk]) -> Iterator[FrameChunk]:
        """Raises SpecError when the text holds letters that cannot be drawn."""
        for chunk in chunks:
            if self._mark is None:
                self._mark = self._placed(*chunk.shape[1:3])
            yield self._marked(chunk, *self._mark)

    def _marked(self, chunk: FrameChunk, rows: slice, columns: slice, mark: Overlay) -> FrameChunk:
        marked = chunk.copy()
        under = marked[:, rows, columns].astype(np.float32)
        marked[:, rows, columns] = np.clip(np.rint(_over(mark, under, self._step.opacity)), 0, 255).astype(np.uint8)
        return marked

    def _placed(self, height: int, width: int) -> tuple[slice, slice, Overlay]:
        """Rows, columns and the mark `[h, w, 4]`: colours 0..255, opacity 0..1."""
        margin = round(MARGIN * min(height, width))
        most = (max(1, width - 2 * margin), max(1, height - 2 * margin))
        wanted = max(1, round(self._step.size * height))
        mark = _drawn(self._step.text, wanted) if self._step.text else _scaled(_opened(self._image), wanted)
        mark.thumbnail(most, Image.Resampling.LANCZOS)
        top = {"top": margin, "bottom": height - margin - mark.height}
        left = {"left": margin, "right": width - margin - mark.width}
        vertical, _, horizontal = self._step.position.partition("-")
        y = top.get(vertical, (height - mark.height) // 2)
        x = left.get(horizontal, (width - mark.width) // 2)
        overlay = np.asarray(mark, np.float32) * np.array([1, 1, 1, 1 / 255], np.float32)
        return slice(y, y + mark.height), slice(x, x + mark.width), overlay


def _over(mark: Overlay, under: NDArray[np.float32], opacity: float) -> NDArray[np.float32]:
    """The mark over frames `[n, h, w, 3 or 4]`, 0..255: "over" of Porter and Duff (1984), for straight alpha.

    Colours weigh by their alpha, so that what a pixel that is not seen holds is not mixed into the mark.
    """
    above = mark[..., 3:] * np.float32(opacity)
    beneath = (under[..., 3:] / 255 if under.shape[-1] == 4 else np.float32(1)) * (1 - above)
    seen = above + beneath
    colours = mark[..., :3] * above + under[..., :3] * beneath
    # where nothing is seen the frame's own colours stay
    colours = np.where(seen > 0, colours / np.where(seen > 0, seen, 1), under[..., :3])
    return colours if under.shape[-1] == 3 else np.concatenate([colours, seen * 255], -1)


def _drawn(text: str, height: int) -> Image.Image:
    """White letters with a dark outline, `height` pixels high in all."""
    font = ImageFont.load_default(size=max(8, height))
    _check_letters(text, font)
    outline = max(1, round(OUTLINE * height))
    box = font.getbbox(text, stroke_width=outline)
    mark = Image.new("RGBA", (round(box[2] - box[0]), round(box[3] - box[1])), (0, 0, 0, 0))
    ImageDraw.Draw(mark).text(
        (-box[0], -box[1]), text, font=font, fill="white", stroke_width=outline, stroke_fill=(0, 0, 0, 200)
    )
    return _scaled(mark, height)


def _check_letters(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> None:
    """A letter that the font lacks is drawn as the same empty box as any other that it lacks."""
    box = bytes(font.getmask("\uffff"))
    lacking = sorted({letter for letter in text if not letter.isspace() and bytes(font.getmask(letter)) == box})
    if lacking:
        raise SpecError(
            f"watermark.text: the font has no {' '.join(lacking)}; use Latin letters, or an image",
            field="post.watermark.text",
        )


def _opened(path: Path | None) -> Image.Image:
    if path is None:
        raise MediaError("watermark.image: the picture is missing", code="media_missing")
    with Image.open(path) as picture:
        return picture.convert("RGBA")


def _scaled(mark: Image.Image, height: int) -> Image.Image:
    width = max(1, round(mark.width * height / mark.height))
    return mark.resize((width, height), Image.Resampling.LANCZOS)
