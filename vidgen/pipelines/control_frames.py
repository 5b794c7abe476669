"""The frames of a clip that controls a job, read or drawn at the job's size and rate, and kept by content."""

from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vidgen.errors import MediaError, SpecError
from vidgen.media.frames import FrameChunk
from vidgen.media.probe import probe
from vidgen.media.source import is_still, read_picture, stream_clip
from vidgen.motion.controls.draw import drawn, motion
from vidgen.motion.controls.flow_colours import FULL_SPEED
from vidgen.pipelines.resolved import Resolved
from vidgen.runtime.control_drawer import Drawers
from vidgen.spec import MediaRef, frames_at
from vidgen.spec.conditioning.control import Control
from vidgen_models.folder_check import sha256

Array = NDArray[Any]


class ArrayCache:
    """Arrays by name, the ones used last; `limit` bytes in all."""

    def __init__(self, limit: int) -> None:
        self._limit, self._size = limit, 0
        self._kept: OrderedDict[str, Array] = OrderedDict()

    def get(self, name: str, make: Callable[[], Array]) -> Array:
        if name in self._kept:
            self._kept.move_to_end(name)
            return self._kept[name]
        made = make()
        if made.nbytes > self._limit:
            return made
        self._kept[name], self._size = made, self._size + made.nbytes
        while self._size > self._limit:
            _, gone = self._kept.popitem(last=False)
            self._size -= gone.nbytes
        return made


DRAWN = ArrayCache(128 << 20)
"""Of this process: a control that several jobs follow, or several windows of one, is drawn once."""


@dataclass(frozen=True, slots=True)
class ClipReader:
    """A clip, or a picture that stands still, as frames of a job. `field` is where it stands in the spec.

    `around`: the job is a loop, in which the clip's frames go round.
    """

    path: Path
    ref: MediaRef
    asked: Resolved
    field: str
    around: bool = False

    def check(self) -> None:
        """Raises SpecError when the clip is shorter than the job's: what is missing is never made up."""
        if self.is_picture:
            return
        available = self.available()
        if available < self.asked.num_frames:
            raise SpecError(
                f"{self.field}: the clip holds {available} frames at {self.asked.fps} a second, the result has "
                f"{self.asked.num_frames}; nearest is {available}",
                field=self.field,
                nearest=(available,),
            )

    @property
    def is_picture(self) -> bool:
        return self.ref.frame is not None or is_still(self.path)

    def available(self) -> int:
        info = probe(self.path)
        return frames_at(info.num_frames, float(info.fps), self.asked.fps)

    def frames(self, first: int, count: int) -> Iterator[NDArray[np.uint8]]:
        """Frames `first` to `first + count`, `uint8 [height, width, 3]`; beyond the clip's ends those repeat."""
        size = {"width": self.asked.width, "height": self.asked.height}
        if self.is_picture:
            (picture,) = read_picture(self.path, frame=self.ref.frame, **size)
            yield from (picture for _ in range(count))
            return
        if self.around:
            yield from self._round(first, count)
            return
        begin = max(0, first)
        stop = max(begin + 1, min(first + count, self.available()))
        read = stream_clip(self.path, fps=self.asked.fps, num_frames=stop - begin, first=begin, **size)
        frame: NDArray[np.uint8] | None = None
        for number, (frame,) in enumerate(read):
            yield from (frame for _ in range(begin - first if number == 0 else 0))
            yield frame
        if frame is None:
            raise MediaError(f"{self.field}: the clip has no frame")
        yield from (frame for _ in range(first + count - stop))

    def _round(self, first: int, count: int) -> Iterator[NDArray[np.uint8]]:
        """The clip's frames as often as they come round."""
        once, total = replace(self, around=False), self.asked.num_frames
        while count:
            begin = first % total
            run = min(count, total - begin)
            yield from once.frames(begin, run)
            first, count = first + run, count - run

    def read(self, first: int, count: int) -> FrameChunk:
        return np.stack(list(self.frames(first, count)))

    @property
    def name(self) -> str:
        """What the file holds, not where it lies."""
        return f"{_hash(self.path, self.path.stat().st_mtime_ns)}/{self.ref.frame}"


@dataclass(frozen=True, slots=True)
class DrawnControl:
    """A control of a spec: as it lies in the file, or drawn from what the file shows."""

    control: Control
    reader: ClipReader
    full_speed: float | None = None
    drawers: Drawers = field(default_factory=dict)

    @property
    def by(self) -> str:
        """The network that draws it; empty where none does."""
        takes = not self.control.drawn and self.control.kind in self.drawers
        return self.drawers[self.control.kind]().name if takes else ""

    def read(self, first: int, count: int) -> FrameChunk:
        """`uint8 [count, height, width, 3]`. Raises SpecError where the kind cannot be drawn."""
        if self.control.drawn:
            return self.reader.read(first, count)
        return self._kept("frames", first, count, self._draw)

    def motion(self, first: int, count: int) -> NDArray[np.float32]:
        """`[count, 2, height, width]` in pixels a frame."""
        return self._kept("motion", first, count, self._move)

    def _draw(self, first: int, count: int) -> FrameChunk:
        begin = self._with_one_before(first)
        frames = drawn(
            self.control.kind,
            self.reader.frames(begin, count + 1 + first - begin),
            smoothing=self.control.smoothing,
            full_speed=self.full_speed or FULL_SPEED,
            drawers=self.drawers,
        )
        return np.stack(list(frames))[first - begin : first - begin + count]

    def _move(self, first: int, count: int) -> NDArray[np.float32]:
        begin = self._with_one_before(first)
        fields = motion(self.reader.frames(begin, count + first - begin), self.control.smoothing)
        return np.stack(list(fields))[first - begin : first - begin + count]

    def _with_one_before(self, first: int) -> int:
        """A motion leads to a frame from the one before; those before a clip's first repeat that, but in a loop."""
        return first - 1 if first > 0 or self.reader.around else first

    def _kept(self, what: str, first: int, count: int, make: Callable[[int, int], Array]) -> Array:
        asked, kind = self.reader.asked, self.control.kind
        rounds = f"%{asked.num_frames}" if self.reader.around else ""
        name = f"{what}/{kind}{self.by}/{self.control.smoothing}/{self.full_speed}/{self.reader.name}"
        return DRAWN.get(
            f"{name}/{asked.width}x{asked.height}@{asked.fps}/{first}+{count}{rounds}", lambda: make(first, count)
        )


@lru_cache(maxsize=64)
def _hash(path: Path, changed: int) -> str:  # noqa: ARG001 - a file that is written anew is another
    return sha256(path)
