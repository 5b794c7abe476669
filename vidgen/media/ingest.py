"""`python -m vidgen.media.ingest SRC OUT_DIR`: an untrusted upload to a file vidgen wrote itself.

It runs as a child process with its own limits on memory, time, file size and processes, and reads only the one file:
the container format is chosen by the file's first bytes and forced, and FFmpeg is handed an open file and no protocol,
so no playlist, script or reference is ever followed. It re-encodes pictures and sound alone: no metadata, subtitles,
data or attachments survive, but for a recipe of our own form, which is checked field by field. One JSON line on stdout
says what came out, or why nothing did (exit code 2).
"""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from vidgen.errors import MediaError, VidgenError
from vidgen.media.confinement import CLOSED, CODECS, MAX_STREAMS, SOUND_CODECS, limit_resources
from vidgen.media.delivery.sound import Sound
from vidgen.media.frames import FrameChunk
from vidgen.media.recall import find_recipe
from vidgen.media.writer import write_video

MAX_SIDE, MAX_FRAMES, MAX_SECONDS, MAX_PIXELS = 4096, 3600, 120, 4096 * 4096
MOST_CHANNELS, SLOWEST_RATE, FASTEST_RATE = 8, 8000, 192_000
STILL_FORMATS = ("PNG", "JPEG", "WEBP")
CONTAINERS = {b"ftyp": "mov", b"\x1a\x45\xdf\xa3": "matroska", b"GIF8": "gif"}
# the input is only decoded again: near to lossless, and a third of the time that the default preset takes
INPUT_CRF, INPUT_PRESET = 10, "veryfast"


@dataclass(frozen=True, slots=True)
class Ingested:
    """The normalised file; `num_frames` and `fps` are None for a picture."""

    kind: str
    filename: str
    content_type: str
    width: int
    height: int
    num_frames: int | None = None
    fps: float | None = None


def ingest(source: Path, out_dir: Path) -> Ingested:
    """Write `media.png` or `media.mp4` into `out_dir`. Raises MediaError naming the rule that was broken."""
    with source.open("rb") as stream:
        head = stream.read(16)
    container = CONTAINERS.get(head[4:8]) or CONTAINERS.get(head[:4])
    return _clip(source, out_dir, container) if container else _still(source, out_dir)


def _still(source: Path, out_dir: Path) -> Ingested:
    Image.MAX_IMAGE_PIXELS = MAX_PIXELS
    try:
        with Image.open(source, formats=STILL_FORMATS) as picture:
            _check_size(*picture.size)
            plain = _pixels(ImageOps.exif_transpose(picture))
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise MediaError(
            "not a picture or clip that is read here: PNG, JPEG, WebP, MP4, MOV, WebM, MKV, GIF"
        ) from error
    plain.save(out_dir / "media.png")
    return Ingested("image", "media.png", "image/png", *plain.size)


def _pixels(picture: Image.Image) -> Image.Image:
    """The pixels alone, 8 bits deep; transparency only where there is any, and no colours hidden under it."""
    pixels = np.array(_eight_bits(picture).convert("RGBA"))
    if (pixels[..., 3] == 255).all():
        return Image.fromarray(pixels[..., :3])
    pixels[pixels[..., 3] == 0] = 0
    return Image.fromarray(pixels)


def _eight_bits(picture: Image.Image) -> Image.Image:
    """Pillow clips 16-bit greys to white when it converts them; scale them instead."""
    if not picture.mode.startswith("I"):
        return picture
    return Image.fromarray((np.asarray(picture).clip(0, 65535) / 257).round().astype(np.uint8))


def _clip(source: Path, out_dir: Path, container_format: str) -> Ingested:
    try:
        with _opened(source, container_format) as container:
            stream = _checked_stream(container)
            fps = _frame_rate(stream)
            _check_length(container, stream, fps)
            frames = _frames(container, stream, fps)
            target = out_dir / "media.mp4"
            recipe = find_recipe(source)
            tags = None if recipe is None else {"comment": recipe.text(), "software": "vidgen"}
            with _sound(source, container_format, container, stream) as sound:
                written = write_video(
                    frames,
                    target,
                    fps=fps,
                    metadata=tags,
                    crf=INPUT_CRF,
                    preset=INPUT_PRESET,
                    threads=1,
                    sound=sound,
                )
    except av.FFmpegError as error:
        raise MediaError(f"the clip cannot be decoded ({error.strerror})") from error
    return Ingested(
        "video", "media.mp4", "video/mp4", written.width, written.height, written.num_frames, round(written.fps, 3)
    )


@contextmanager
def _opened(source: Path, container_format: str) -> "Iterator[av.container.InputContainer]":
    with (
        source.open("rb") as file,
        av.open(
            file,
            format=container_format,
            options={**CLOSED, "format_whitelist": container_format},
            metadata_errors="replace",  # tags are thrown away, in whatever encoding they are
        ) as container,
    ):
        yield container


@contextmanager
def _sound(
    source: Path, container_format: str, container: "av.container.InputContainer", pictures: av.VideoStream
) -> Iterator[Callable[[Any], Sound] | None]:
    """What writes the clip's sound anew beside its pictures; None where there is none that is read here."""
    if not _is_read(container):
        yield None
        return
    begins = Fraction(pictures.start_time or 0) * Fraction(pictures.time_base or 1)
    # a second look at the file, as pictures and sound are asked for in turns
    with _opened(source, container_format) as again:
        yield lambda output: Sound(output, again, "aac", begins=begins, copy=False)


def _is_read(container: "av.container.InputContainer") -> bool:
    context = container.streams.audio[0].codec_context if container.streams.audio else None
    if context is None or context.name not in SOUND_CODECS:
        return False
    return bool(1 <= context.channels <= MOST_CHANNELS and SLOWEST_RATE <= context.sample_rate <= FASTEST_RATE)


def _checked_stream(container: "av.container.InputContainer") -> av.VideoStream:
    """The first video stream, ready to be decoded. Nothing of it has been decoded for us before its codec is known."""
    if len(container.streams) > MAX_STREAMS:
        raise MediaError(f"the file holds more than {MAX_STREAMS} streams")
    if not container.streams.video:
        raise MediaError("the file holds no video stream")
    stream = container.streams.video[0]
    context = stream.codec_context
    name = "unknown" if context is None else context.name
    if context is None or name not in CODECS:
        raise MediaError(f"codec {name} is not read here; use H.264, HEVC, VP8, VP9 or AV1")
    _check_size(context.width, context.height)
    # frames within the stream may be larger than its header says
    context.options = {"max_pixels": str(MAX_PIXELS)}
    context.thread_count = 1
    return stream


def _check_length(container: "av.container.InputContainer", stream: av.VideoStream, fps: Fraction) -> None:
    """Refuse by what the header says, before anything is decoded; `_frames` counts, because headers lie."""
    seconds = max((container.duration or 0) / av.time_base, float((stream.duration or 0) * (stream.time_base or 0)))
    if seconds > MAX_SECONDS + 1 or stream.frames > _most_frames(fps):
        raise MediaError(f"{max(seconds, float(stream.frames / fps)):.0f} seconds: cut the clip to {MAX_SECONDS}")


def _most_frames(fps: Fraction) -> int:
    return min(MAX_FRAMES, int(MAX_SECONDS * fps))


def _frame_rate(stream: av.VideoStream) -> Fraction:
    rate = Fraction(stream.average_rate or 0)
    if not 1 <= rate <= 120:
        raise MediaError(f"{float(rate):.3g} frames a second: must be from 1 to 120")
    return rate.limit_denominator(1001)


def _frames(container: "av.container.InputContainer", stream: av.VideoStream, fps: Fraction) -> Iterator[FrameChunk]:
    """Decoded frames, upright, with even sides, because 4:2:0 has no odd ones."""
    limit, size = _most_frames(fps), (stream.codec_context.width, stream.codec_context.height)
    for number, frame in enumerate(container.decode(stream)):
        if number >= limit:
            raise MediaError(f"longer than {limit} frames; cut the clip to at most {MAX_SECONDS} seconds")
        if (frame.width, frame.height) != size:
            raise MediaError(f"frame {number} is {frame.width}×{frame.height}, the clip {size[0]}×{size[1]}")
        # a phone held upright stores its pictures lying, and how far to turn them counterclockwise
        upright = np.rot90(frame.to_ndarray(format="rgb24", threads=1), round(frame.rotation / 90))
        height, width = upright.shape[:2]
        yield np.ascontiguousarray(upright[None, : height & ~1, : width & ~1])


def _check_size(width: int, height: int) -> None:
    if not (16 <= width <= MAX_SIDE and 16 <= height <= MAX_SIDE):
        raise MediaError(f"{width}×{height}: each side must be from 16 to {MAX_SIDE} pixels")


def main() -> int:
    if len(sys.argv) != 3:
        print("usage: python -m vidgen.media.ingest SRC OUT_DIR", file=sys.stderr)
        return 64
    limit_resources()
    try:
        print(json.dumps(asdict(ingest(Path(sys.argv[1]), Path(sys.argv[2])))))
    except VidgenError as error:
        print(json.dumps({"error": {"code": error.code, "message": error.message}}))
        return 2
    except MemoryError:
        print(json.dumps({"error": {"code": "invalid_media", "message": "needs too much memory to decode"}}))
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
