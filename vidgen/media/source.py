"""A user's picture or clip as the model wants it: right frame, right rate, right size."""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from vidgen.errors import MediaError
from vidgen.media.frames import FrameChunk
from vidgen.media.opaque import on_white
from vidgen.media.probe import probe
from vidgen.media.reader import frame_reader, stream_frames
from vidgen.spec import frames_at

STILL_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp"})


def is_still(path: Path) -> bool:
    """Whether a file is one picture; an animated WebP is a clip."""
    suffix = path.suffix.lower()
    if suffix != ".webp":
        return suffix in STILL_SUFFIXES
    with Image.open(path, formats=("WEBP",)) as picture:
        return not getattr(picture, "is_animated", False)


def read_picture(path: Path, *, width: int, height: int, frame: int | None = None) -> FrameChunk:
    """One picture `uint8 [1, height, width, 3]`: the file itself, or frame `frame` of a clip (default the first).

    Raises MediaError when the clip has no such frame, naming the range.
    """
    if is_still(path):
        with Image.open(path) as picture:
            return fit(on_white(np.asarray(picture.convert("RGBA")))[None], width=width, height=height)
    count = probe(path).num_frames
    index = 0 if frame is None else frame
    if not -count <= index < count:
        raise MediaError(f"frame={index}: the clip has frames 0 to {count - 1}; nearest is {count - 1}")
    return fit(frame_reader(path)(path, [index % count]), width=width, height=height)


def read_clip(path: Path, *, width: int, height: int, num_frames: int, fps: int) -> FrameChunk:
    """The first `num_frames` frames at `fps`, taken by time, `uint8 [num_frames, height, width, 3]`.

    Raises MediaError when the clip is shorter than that: it is never stretched or frozen in silence.
    """
    indices = _indices(path, num_frames, fps)
    return fit(frame_reader(path)(path, indices), width=width, height=height)


def stream_clip(
    path: Path, *, width: int, height: int, num_frames: int, fps: int, first: int = 0
) -> Iterator[FrameChunk]:
    """What `read_clip` gives, from frame `first` on, frame by frame: memory is that of one, whatever the length."""
    indices = _indices(path, first + num_frames, fps)[first:]
    for frame in stream_frames(path, indices):
        yield fit(frame, width=width, height=height)


def _indices(path: Path, num_frames: int, fps: int) -> list[int]:
    """Which frames of the file a clip of `num_frames` at `fps` is made of."""
    if is_still(path):
        raise MediaError("video: this is a picture; give a clip, or use image-to-video")
    info = probe(path)
    available = frames_at(info.num_frames, float(info.fps), fps)
    if available < num_frames:
        raise MediaError(f"num_frames={num_frames}: the source holds {available} frames at {fps} fps; ask for fewer")
    return [min(round(number * float(info.fps) / fps), info.num_frames - 1) for number in range(num_frames)]


def fit(frames: FrameChunk, *, width: int, height: int) -> FrameChunk:
    """Scale to cover `width`×`height` and crop the middle; frames of that size already are left as they are."""
    source_height, source_width = frames.shape[1:3]
    if (source_width, source_height) == (width, height):
        return frames
    scale = max(width / source_width, height / source_height)
    size = (max(width, round(source_width * scale)), max(height, round(source_height * scale)))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    left, top = (size[0] - width) // 2, (size[1] - height) // 2
    resized = [cv2.resize(frame, size, interpolation=method) for frame in frames]
    return np.stack([frame[top : top + height, left : left + width] for frame in resized])
