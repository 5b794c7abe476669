"""What a writer of any format gives back, and the rule they share: a file appears under its name only when complete."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from vidgen.errors import MediaError


@dataclass(frozen=True, slots=True)
class WrittenVideo:
    """What was written: `num_frames` counted while encoding, not copied from the request.

    `sound` says how the source's was kept: `copied`, or the encoder's name.
    """

    path: Path
    width: int
    height: int
    num_frames: int
    fps: float
    sound: str | None = None


@contextmanager
def completed(path: Path) -> Iterator[Path]:
    """A name to write to; the file gets the name `path` at the end, and is removed if there is none."""
    part = path.with_suffix(f".part{path.suffix}")
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def no_frame() -> MediaError:
    return MediaError("there is no frame to write")
