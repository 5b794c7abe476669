"""Frames to a plain MP4 that plays everywhere: what normalised uploads are, and clips that are no one's result."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from vidgen.media.delivery.encoders import encoder_for
from vidgen.media.delivery.sound import Sound
from vidgen.media.delivery.stream import write_stream
from vidgen.media.delivery.written import WrittenVideo, completed
from vidgen.media.frames import FrameChunk

CRF = 14
"""Constant rate factor: visually lossless for delivery; lower is larger."""


def write_video(
    chunks: Iterable[FrameChunk],
    path: Path,
    *,
    fps: Fraction | int,
    metadata: dict[str, str] | None = None,
    crf: int = CRF,
    preset: str = "medium",
    threads: int | None = None,
    sound: Callable[[Any], Sound] | None = None,
) -> WrittenVideo:
    """Encode all chunks as H.264 at exactly `fps` frames a second. Raises MediaError when there is no frame at all.

    `preset` is x264's; `threads` None: as many as every H.264 file is written with. `sound` makes what goes along.
    Whatever goes wrong, no file is left under `path`.
    """
    encoder = encoder_for("h264", "high")
    encoder = replace(encoder, options={**encoder.options, "crf": str(crf), "preset": preset})
    with completed(path) as part:
        written = write_stream(
            chunks, part, fps=Fraction(fps), encoder=encoder, tags=metadata or {}, threads=threads, sound=sound
        )
    return replace(written, path=path)
