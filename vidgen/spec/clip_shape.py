"""What a clip measures, and what it will measure after a step."""

from dataclasses import dataclass
from fractions import Fraction

BROADCAST_ROUNDING = 0.005


@dataclass(frozen=True, slots=True)
class ClipShape:
    """Sides in pixels, frames, frames a second; `alpha`: transparent in places."""

    width: int
    height: int
    num_frames: int
    fps: Fraction
    alpha: bool = False

    @property
    def seconds(self) -> Fraction:
        return self.num_frames / self.fps

    @property
    def megapixels(self) -> float:
        """Of all frames together."""
        return self.width * self.height * self.num_frames / 1e6


def frames_at(num_frames: int, source_fps: float, fps: float) -> int:
    """How many frames a clip of `num_frames` at `source_fps` gives when it is read at `fps`."""
    return int(num_frames * fps / source_fps + 1e-6)


def rate(fps: float) -> Fraction:
    """A rate as it is meant: 29.97 is 30000/1001, as 23.976 and 59.94 are thousandths of their like."""
    broadcast = Fraction(round(fps * 1.001) * 1000, 1001)
    near = abs(float(broadcast) - fps) < BROADCAST_ROUNDING
    return broadcast if near and fps != round(fps) else Fraction(fps).limit_denominator(1001)
