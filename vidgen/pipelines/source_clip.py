"""The clip that is extended: which of its frames stay, and how they are read."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from vidgen.errors import SpecError
from vidgen.media.delivery.sound import Soundtrack
from vidgen.media.frames import FrameChunk
from vidgen.media.probe import VideoInfo, probe
from vidgen.media.source import frames_at, stream_clip
from vidgen.pipelines.resolved import Resolved
from vidgen.runtime.context import RunContext
from vidgen.spec import ExtendVideo

EPSILON = 1e-6


@dataclass(frozen=True, slots=True)
class SourceClip:
    """Frames `first` to `stop` of the file, counted at the job's own rate, stay in the extended clip."""

    path: Path
    asked: Resolved
    first: int
    stop: int

    @classmethod
    def of(cls, spec: ExtendVideo, ctx: RunContext) -> "SourceClip":
        """Raises SpecError when the clip has no such frame, naming the nearest."""
        asked, path = Resolved.of(spec), ctx.media[spec.video.key]
        info = probe(path)
        count = frames_at(info.num_frames, float(info.fps), asked.fps)
        if count < 1:
            raise SpecError(f"video: the clip has no frame at {asked.fps} frames a second", field="video")
        if spec.direction == "forward":
            return cls(path, asked, 0, _place(spec, info, asked.fps, count, default=count - 1) + 1)
        return cls(path, asked, _place(spec, info, asked.fps, count, default=0), count)

    @property
    def length(self) -> int:
        return self.stop - self.first

    def sound(self, before: int) -> Soundtrack:
        """The sound of what stays, `before` new frames being shown first."""
        first, last, at = (Fraction(frames, self.asked.fps) for frames in (self.first, self.stop, before))
        return Soundtrack(self.path, first, last, at)

    def read(self, start: int, stop: int) -> Iterator[FrameChunk]:
        """Frames `start` to `stop` of those that stay, one by one."""
        if stop <= start:
            return iter(())
        asked = self.asked
        return stream_clip(
            self.path,
            width=asked.width,
            height=asked.height,
            fps=asked.fps,
            num_frames=stop - start,
            first=self.first + start,
        )


def extended_frames(spec: ExtendVideo, ctx: RunContext) -> int:
    """How many frames the extended clip will have."""
    return Resolved.of(spec).num_frames + SourceClip.of(spec, ctx).length


def _place(spec: ExtendVideo, info: VideoInfo, fps: int, count: int, *, default: int) -> int:
    """The frame next to the new part, at the job's own rate."""
    rate = float(info.fps)
    if spec.from_seconds is not None:
        if spec.from_seconds > info.seconds:
            last = (info.num_frames - 1) / rate
            raise SpecError(
                f"from_seconds={spec.from_seconds:g}: the clip lasts {info.seconds:g}; nearest is {last:g}",
                field="from_seconds",
                nearest=(last,),
            )
        return min(int(spec.from_seconds * fps + EPSILON), count - 1)
    if spec.from_frame is None:
        return default
    if not -info.num_frames <= spec.from_frame < info.num_frames:
        last = info.num_frames - 1
        nearest = last if spec.from_frame > 0 else 0
        raise SpecError(
            f"from_frame={spec.from_frame}: the clip has frames 0 to {last}; nearest is {nearest}",
            field="from_frame",
            nearest=(nearest,),
        )
    return min(int(spec.from_frame % info.num_frames * fps / rate + EPSILON), count - 1)
