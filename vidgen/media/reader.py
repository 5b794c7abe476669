"""Frames by index out of clips that vidgen wrote or normalised itself; never out of a stranger's file.

decord reads where it has a wheel (it seeks well, but carries an old FFmpeg and has been unmaintained since 2021);
PyAV reads everywhere else. Both give the same frames, and the tests hold them to it.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import av
import numpy as np

from vidgen.errors import MediaError
from vidgen.media.frames import FrameChunk

FrameReader = Callable[[Path, Sequence[int]], FrameChunk]


def read_frames_decord(path: Path, indices: Sequence[int]) -> FrameChunk:
    """The frames at `indices` (from 0), `uint8 [len(indices), height, width, 3]`."""
    import decord

    try:
        frames: FrameChunk = decord.VideoReader(str(path), num_threads=1).get_batch(list(indices)).asnumpy()
    except (decord.DECORDError, IndexError) as error:
        raise MediaError(f"{path.name}: cannot read frames {list(indices)}") from error
    return frames


def read_frames_pyav(path: Path, indices: Sequence[int]) -> FrameChunk:
    """The same contract through PyAV, decoding from the start up to the last frame asked for."""
    wanted, found = set(indices), {}
    with av.open(str(path)) as container:
        for number, frame in enumerate(container.decode(video=0)):
            if number in wanted:
                found[number] = frame.to_ndarray(format="rgb24")
            if number >= max(wanted):
                break
    if missing := wanted - found.keys():
        raise MediaError(f"{path.name}: cannot read frames {sorted(missing)}")
    return np.stack([found[index] for index in indices])


def stream_frames(path: Path, indices: Sequence[int]) -> Iterator[FrameChunk]:
    """The frames at `indices`, which must not fall, one at a time, `uint8 [1, height, width, 3]`."""
    wanted = iter(indices)
    index = next(wanted, None)
    with av.open(str(path)) as container:
        for number, frame in enumerate(container.decode(video=0)):
            while index == number:
                yield frame.to_ndarray(format="rgb24")[None]
                index = next(wanted, None)
            if index is None:
                return
    if index is not None:
        raise MediaError(f"{path.name}: cannot read frame {index}")


def frame_reader() -> FrameReader:
    """decord's reader where decord is installed, else PyAV's."""
    try:
        import decord  # noqa: F401
    except ImportError:
        return read_frames_pyav
    return read_frames_decord
