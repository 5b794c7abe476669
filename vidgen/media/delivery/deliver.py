"""The one door to all formats: frames, the output that was asked for, and the recipe that goes into the file."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from vidgen.media.delivery import xmp
from vidgen.media.delivery.encoders import encoder_for
from vidgen.media.delivery.gif import write_gif
from vidgen.media.delivery.png_sequence import write_png_sequence
from vidgen.media.delivery.sound import Sound, Soundtrack
from vidgen.media.delivery.stream import write_stream
from vidgen.media.delivery.webp import write_webp
from vidgen.media.delivery.written import WrittenVideo, completed
from vidgen.media.frames import FrameChunk
from vidgen.media.probe import probe
from vidgen.media.wav import WAV
from vidgen.spec.output import FORMATS, Output
from vidgen.spec.recipe import Recipe


def check_encoder(output: Output, *, alpha: bool = False) -> None:
    """Raise MediaError where this build of FFmpeg cannot write the resolved output; asked before any work is done."""
    if output.format in ("mp4", "webm", "prores") and output.codec is not None:
        encoder_for(output.codec, output.quality, alpha=alpha)


def deliver(
    chunks: Iterable[FrameChunk],
    folder: Path,
    *,
    output: Output,
    fps: Fraction | int,
    recipe: Recipe,
    alpha: bool = False,
    sound: Soundtrack | None = None,
) -> WrittenVideo:
    """Write `video.mp4`, `video.webm`, … into `folder`. `output` is resolved; `alpha`: the frames are RGBA.
    `sound` goes along, in formats that carry any.

    Frames stream through. Raises MediaError (no frame, no such encoder, odd sides); no half file is left then.
    """
    path = folder / f"video{FORMATS[output.format].suffix}"
    with completed(path) as part:
        written = _write(chunks, part, output, Fraction(fps), recipe.text(), alpha, sound)
    return replace(written, path=path)


@contextmanager
def _sound_of(track: Soundtrack | None, encoder: str | None) -> Iterator[Callable[[Any], Sound] | None]:
    """What `write_stream` makes its sound with; None where there is none to keep."""
    if track is None or encoder is None or not _has_sound(track.path):
        yield None
        return
    with av.open(str(track.path)) as container:
        yield lambda output: Sound(
            output, container, encoder, begins=track.first - track.at, first=track.first, last=track.last
        )


def _has_sound(path: Path) -> bool:
    return path.suffix == WAV or probe(path).sound


def _write(
    chunks: Iterable[FrameChunk],
    part: Path,
    output: Output,
    fps: Fraction,
    recipe: str,
    alpha: bool,
    sound: Soundtrack | None,
) -> WrittenVideo:
    if output.format == "png":
        return write_png_sequence(chunks, part, fps=fps, quality=output.quality, recipe=recipe)
    if output.format == "webp":
        return write_webp(chunks, part, fps=fps, quality=output.quality, xmp=xmp.packet(recipe))
    if output.format == "gif":
        written = write_gif(chunks, part, fps=fps, quality=output.quality)
        xmp.append_to_gif(part, xmp.packet(recipe))
        return written
    encoder = encoder_for(output.codec or "h264", output.quality, alpha=alpha)
    tags = {"comment": recipe, "software": "vidgen"}
    with _sound_of(sound, FORMATS[output.format].sound) as beside:
        written = write_stream(chunks, part, fps=fps, encoder=encoder, tags=tags, sound=beside)
    if output.format != "webm":
        xmp.append_to_mp4(part, xmp.packet(recipe))
    return written
