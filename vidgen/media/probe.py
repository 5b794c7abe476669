"""What a media file holds, without decoding it."""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av

from vidgen.errors import MediaError


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """`num_frames` is what the container says; `metadata` are its tags, vidgen's spec among them."""

    width: int
    height: int
    num_frames: int
    fps: Fraction
    codec: str
    pix_fmt: str
    metadata: dict[str, str]

    @property
    def seconds(self) -> float:
        return float(self.num_frames / self.fps)


def probe(path: Path) -> VideoInfo:
    """Raises MediaError when the file holds no video stream that can be read."""
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise MediaError(f"{path.name}: holds no video stream")
            stream = container.streams.video[0]
            context = stream.codec_context
            return VideoInfo(
                width=context.width,
                height=context.height,
                num_frames=stream.frames,
                fps=Fraction(stream.average_rate or 0),
                codec=context.name,
                pix_fmt=context.pix_fmt or "",
                metadata=dict(container.metadata),
            )
    except av.FFmpegError as error:
        raise MediaError(f"{path.name}: not a media file that can be read ({error.strerror})") from error
