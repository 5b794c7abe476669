"""What a media file holds, without decoding it where its format allows."""

import zipfile
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
from PIL import Image

from vidgen.errors import MediaError
from vidgen.media.delivery.png_sequence import RATE

HUNDREDTH = Fraction(1, 100)


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """`num_frames` is exact for what vidgen wrote; `metadata` are the container's tags.

    `alpha`: the pixels may be transparent. `sound`: there is an audio stream.
    """

    width: int
    height: int
    num_frames: int
    fps: Fraction
    codec: str
    pix_fmt: str
    metadata: dict[str, str]
    alpha: bool = False
    sound: bool = False

    @property
    def seconds(self) -> float:
        return float(self.num_frames / self.fps)


def probe(path: Path) -> VideoInfo:
    """Raises MediaError when the file holds no video stream that can be read."""
    try:
        with path.open("rb") as file:
            head = file.read(16)
        if head.startswith(b"PK\x03\x04"):
            return _png_sequence(path)
        if head[8:12] == b"WEBP":
            return _webp(path)
        return _stream(path)
    except (av.FFmpegError, zipfile.BadZipFile, OSError, ValueError, IndexError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise MediaError(f"{path.name}: not a media file that can be read ({reason})") from error


def _stream(path: Path) -> VideoInfo:
    with av.open(str(path)) as container:
        if not container.streams.video:
            raise MediaError(f"{path.name}: holds no video stream")
        stream = container.streams.video[0]
        context = stream.codec_context
        pix_fmt = context.pix_fmt or ""
        num_frames = stream.frames or sum(packet.size > 0 for packet in container.demux(stream))
        return VideoInfo(
            width=context.width,
            height=context.height,
            num_frames=num_frames,
            fps=_gif_rate(stream, num_frames) if context.name == "gif" else Fraction(stream.average_rate or 0),
            codec=context.name,
            pix_fmt=pix_fmt,
            metadata=dict(container.metadata),
            alpha=stream.metadata.get("alpha_mode") == "1" or pix_fmt.startswith(("yuva", "gbrap", "rgba", "bgra")),
            sound=bool(container.streams.audio),
        )


def _gif_rate(stream: av.VideoStream, num_frames: int) -> Fraction:
    """A GIF has no rate, only delays in hundredths of a second, whose sum is exact to one of them."""
    seconds = Fraction(stream.duration or 0) * Fraction(stream.time_base or HUNDREDTH)
    return _nearest_rate(num_frames, seconds, HUNDREDTH) if seconds else Fraction(stream.average_rate or 0)


def _nearest_rate(num_frames: int, seconds: Fraction, unit: Fraction) -> Fraction:
    """The simplest rate at which so many frames take so long, to one unit of time."""
    low, high = num_frames / (seconds + unit), num_frames / max(seconds - unit, unit)
    whole = round(num_frames / seconds)
    if low <= whole <= high:
        return Fraction(whole)
    return Fraction(num_frames / seconds).limit_denominator(1001)


def _png_sequence(path: Path) -> VideoInfo:
    with zipfile.ZipFile(path) as archive:
        names, rate = archive.namelist(), archive.comment.decode(errors="replace")
        if not rate.startswith(RATE):
            raise MediaError(f"{path.name}: not a zip of vidgen's pictures")
        with archive.open(names[0]) as entry, Image.open(entry, formats=("PNG",)) as picture:
            width, height, mode = *picture.size, picture.mode
    alpha = mode == "RGBA"
    return VideoInfo(width, height, len(names), Fraction(rate[len(RATE) :]), "png", mode.lower(), {}, alpha)


def _webp(path: Path) -> VideoInfo:
    with Image.open(path, formats=("WEBP",)) as picture:
        (width, height), count, alpha = picture.size, getattr(picture, "n_frames", 1), picture.mode == "RGBA"
    milliseconds = _webp_milliseconds(path)
    if milliseconds <= 0:
        raise MediaError(f"{path.name}: a picture, not a clip")
    fps = _nearest_rate(count, Fraction(milliseconds, 1000), Fraction(1, 1000))
    return VideoInfo(width, height, count, fps, "webp", "rgba" if alpha else "rgb", {}, alpha)


def _webp_milliseconds(path: Path) -> int:
    """The sum of all frames' times, out of the file's chunks."""
    total = 0
    with path.open("rb") as file:
        file.seek(12)
        while len(head := file.read(8)) == 8:
            size = int.from_bytes(head[4:], "little")
            if head[:4] == b"ANMF":
                total += int.from_bytes(file.read(16)[12:15], "little")
                size -= 16
            file.seek(size + size % 2, 1)
    return total
