"""Where a subject, or a painted region, goes: points over time."""

from pydantic import Field

from vidgen.spec.base import SpecModel
from vidgen.spec.media_ref import MediaRef

POINT_LIMIT = 64
PATH_LIMIT = 8
SMALLEST, LARGEST = 0.05, 1.0


class Waypoint(SpecModel):
    """A point in shares of the frame's sides (outside of 0..1: beyond its edge), and when it is reached."""

    x: float = Field(ge=-1, le=2)
    y: float = Field(ge=-1, le=2)
    at: float | None = Field(default=None, ge=0, le=1, description="Share of the clip's time; empty: evenly spaced.")


class Path(SpecModel):
    """Two points or more; between them the way is straight and the speed even."""

    points: tuple[Waypoint, ...] = Field(min_length=2, max_length=POINT_LIMIT)

    def place(self, share: float) -> tuple[float, float]:
        """Where the path is at a share of the clip's time (0..1). The spec must be resolved."""
        times = [point.at or 0.0 for point in self.points]
        after = next((n for n, time in enumerate(times) if time >= share), len(times))
        if after in (0, len(times)):
            point = self.points[min(after, len(times) - 1)]
            return point.x, point.y
        early, late = self.points[after - 1], self.points[after]
        weight = (share - times[after - 1]) / (times[after] - times[after - 1])
        return (1 - weight) * early.x + weight * late.x, (1 - weight) * early.y + weight * late.y


class Trajectory(Path):
    """A subject that follows a path, by the middle of the box around it."""

    width: float | None = Field(
        default=None, ge=SMALLEST, le=LARGEST, description="Of the subject's box, as a share of the frame's width."
    )
    height: float | None = Field(default=None, ge=SMALLEST, le=LARGEST, description="Likewise, of the frame's height.")


class Brush(Path):
    """A painted region that moves along a path; only how the path moves counts, not where it begins."""

    media: MediaRef = Field(description="A picture, white where it is painted; or one frame of a clip.")
