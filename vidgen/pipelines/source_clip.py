"""The clip that is extended: which of its frames stay, and how they are read."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from vidgen.media.delivery.sound import Soundtrack
from vidgen.media.frames import FrameChunk
from vidgen.media.probe import probe
from vidgen.media.source import stream_clip
from vidgen.pipelines.resolved import Resolved
from vidgen.runtime.context import RunContext
from vidgen.spec import ExtendVideo, frames_kept


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
        path = ctx.media[spec.video.key]
        info = probe(path)
        kept = frames_kept(spec, info.num_frames, float(info.fps))
        return cls(path, Resolved.of(spec), kept.start, kept.stop)

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
