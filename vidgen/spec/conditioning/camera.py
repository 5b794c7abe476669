"""How the camera moves: a speed for each of six axes from -10 to 10, constant or between keys over time."""

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from vidgen.spec.base import SpecModel

CameraAxis = Literal["pan", "tilt", "zoom", "roll", "dolly", "orbit"]
CameraPreset = Literal[
    "static",
    "pan-left",
    "pan-right",
    "tilt-up",
    "tilt-down",
    "zoom-in",
    "zoom-out",
    "roll-left",
    "roll-right",
    "dolly-in",
    "dolly-out",
    "orbit-left",
    "orbit-right",
]
AXES: tuple[CameraAxis, ...] = ("pan", "tilt", "zoom", "roll", "dolly", "orbit")
FASTEST = 10.0
PRESET_SPEED = 3.0
KEY_LIMIT = 32

STILL = 0.2
"""Slower than this a camera is taken to rest."""

SHIFT_AT_10 = 0.5
"""Pan, tilt and orbit: shares of the frame's width a second at speed 10."""
OCTAVES_AT_10 = 1.0
"""Zoom and dolly: doublings of size a second at speed 10."""
DEGREES_AT_10 = 45.0
"""Roll: degrees a second at speed 10."""


class CameraSpeeds(SpecModel):
    """Speeds along the axes. They are the camera's: a pan to the right moves what is seen to the left."""

    pan: float = Field(default=0.0, ge=-FASTEST, le=FASTEST, description="Right. 10: half the width a second.")
    tilt: float = Field(default=0.0, ge=-FASTEST, le=FASTEST, description="Up. 10: half the width a second.")
    zoom: float = Field(default=0.0, ge=-FASTEST, le=FASTEST, description="In. 10: twice as large in a second.")
    roll: float = Field(default=0.0, ge=-FASTEST, le=FASTEST, description="Clockwise. 10: 45 degrees a second.")
    dolly: float = Field(
        default=0.0, ge=-FASTEST, le=FASTEST, description="Forward: what is near grows more. 10: as zoom, for the near."
    )
    orbit: float = Field(
        default=0.0,
        ge=-FASTEST,
        le=FASTEST,
        description="To the right around the subject, which stays. 10: the ground passes by half a width a second.",
    )

    def speeds(self) -> dict[CameraAxis, float]:
        return {axis: float(getattr(self, axis)) for axis in AXES}


class CameraKey(CameraSpeeds):
    """The speeds at a moment; in between they change evenly."""

    at: float = Field(ge=0, le=1, description="Share of the clip's time.")


class Camera(CameraSpeeds):
    """A preset, speeds, or speeds at keys over time."""

    preset: CameraPreset | None = Field(default=None, description="In place of speeds; resolved to them.")
    keys: tuple[CameraKey, ...] = Field(default=(), max_length=KEY_LIMIT, description="In place of speeds, by time.")

    def at(self, share: float) -> dict[CameraAxis, float]:
        """The speeds at a share of the clip's time (0..1). The spec must be resolved."""
        keys = self.keys
        if not keys:
            return self.speeds()
        after = next((n for n, key in enumerate(keys) if key.at >= share), len(keys))
        if after in (0, len(keys)):
            return keys[min(after, len(keys) - 1)].speeds()
        early, late = keys[after - 1], keys[after]
        weight = (share - early.at) / (late.at - early.at)
        return {axis: (1 - weight) * getattr(early, axis) + weight * getattr(late, axis) for axis in AXES}

    def axes(self) -> tuple[CameraAxis, ...]:
        """Those along which the camera moves at any time."""
        told = self.keys or (self,)
        return tuple(axis for axis in AXES if any(getattr(speeds, axis) for speeds in told))


def moments_of(count: int) -> list[float]:
    """Shares of the time, evenly spaced."""
    return [(moment + 0.5) / count for moment in range(count)]


PRESETS: Mapping[CameraPreset, Mapping[CameraAxis, float]] = {
    "static": {},
    "pan-left": {"pan": -PRESET_SPEED},
    "pan-right": {"pan": PRESET_SPEED},
    "tilt-up": {"tilt": PRESET_SPEED},
    "tilt-down": {"tilt": -PRESET_SPEED},
    "zoom-in": {"zoom": PRESET_SPEED},
    "zoom-out": {"zoom": -PRESET_SPEED},
    "roll-left": {"roll": -PRESET_SPEED},
    "roll-right": {"roll": PRESET_SPEED},
    "dolly-in": {"dolly": PRESET_SPEED},
    "dolly-out": {"dolly": -PRESET_SPEED},
    "orbit-left": {"orbit": -PRESET_SPEED},
    "orbit-right": {"orbit": PRESET_SPEED},
}
