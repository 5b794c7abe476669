"""What goes wrong at joints, planted in film: each takes a shot's frames, a frame number and a magnitude."""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from vidgen.media.frames import FrameChunk

Planted = Callable[[FrameChunk, int, float], FrameChunk]


def luma(frames: FrameChunk, at: int, magnitude: float) -> FrameChunk:
    """All frames from `at` on are lighter by `magnitude` of 255."""
    return _shifted(frames, at, len(frames), (magnitude, magnitude, magnitude))


def tint(frames: FrameChunk, at: int, magnitude: float) -> FrameChunk:
    """From `at` on red gains and blue loses `magnitude` of 255."""
    return _shifted(frames, at, len(frames), (magnitude, 0, -magnitude))


def blur(frames: FrameChunk, at: int, magnitude: float) -> FrameChunk:
    """From `at` on all frames are blurred, `magnitude` is the Gaussian's sigma in pixels."""
    out = frames.copy()
    for n in range(at, len(frames)):
        out[n] = cv2.GaussianBlur(frames[n], (0, 0), magnitude)
    return out


def stutter(frames: FrameChunk, at: int, magnitude: float) -> FrameChunk:
    """Frame `at - 1` is shown `magnitude` times more; what follows comes later."""
    times = int(magnitude)
    return np.concatenate([frames[:at], *[frames[at - 1 : at]] * times, frames[at : len(frames) - times]])


def reversal(frames: FrameChunk, at: int, magnitude: float) -> FrameChunk:  # noqa: ARG001
    """From `at` on the shot runs backwards; the magnitude is none."""
    back = frames[at - 2 :: -1]
    return np.concatenate([frames[:at], back])[: len(frames)]


def jump(frames: FrameChunk, at: int, magnitude: float) -> FrameChunk:
    """`magnitude` frames are missing."""
    return np.concatenate([frames[:at], frames[at + int(magnitude) :]])


def flash(frames: FrameChunk, at: int, magnitude: float) -> FrameChunk:
    """Frame `at` alone is lighter by `magnitude` of 255."""
    return _shifted(frames, at, at + 1, (magnitude, magnitude, magnitude))


def stray(frames: FrameChunk, at: int, magnitude: float) -> FrameChunk:
    """Frame `at` shows what comes `magnitude` frames later."""
    out = frames.copy()
    out[at] = frames[min(at + int(magnitude), len(frames) - 1)]
    return out


def frozen(frames: FrameChunk, at: int, magnitude: float) -> FrameChunk:
    """Frames `at` to `at + magnitude - 1` repeat the one before; then the shot goes on where it would be."""
    out = frames.copy()
    out[at : at + int(magnitude)] = frames[at - 1]
    return out


def creeping(frames: FrameChunk, at: int, magnitude: float) -> FrameChunk:
    """From `at` on every frame is lighter than the one before, by `magnitude` of 255 at the end."""
    ramp = np.clip((np.arange(len(frames)) - at + 1) / max(1, len(frames) - at), 0, 1)
    lighter = frames.astype(np.float32) + magnitude * ramp[:, None, None, None]
    return np.clip(np.round(lighter), 0, 255).astype(np.uint8)


@dataclass(frozen=True, slots=True)
class Defect:
    """A kind with the magnitudes it is tried at, the measures meant for it first in `by`."""

    plant: Planted
    magnitudes: tuple[float, ...]
    unit: str
    by: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.plant.__name__


DEFECTS = (
    Defect(luma, (1, 2, 4), "of 255", ("colour",)),
    Defect(tint, (1, 2, 4), "of 255", ("colour",)),
    Defect(blur, (0.6, 0.8, 1.2), "px sigma", ("sharpness",)),
    Defect(stutter, (1,), "frames", ("acceleration", "frozen")),
    Defect(reversal, (1,), "", ("acceleration",)),
    Defect(jump, (2, 4, 8), "frames", ("jump", "acceleration")),
    Defect(flash, (4, 8, 16), "of 255", ("flash", "colour")),
    Defect(stray, (4, 16), "frames", ("flash", "residual")),
    Defect(frozen, (2, 6), "frames", ("frozen", "acceleration")),
    Defect(creeping, (20, 40), "of 255", ("drift",)),
)


def _shifted(frames: FrameChunk, first: int, stop: int, by: tuple[float, float, float]) -> FrameChunk:
    moved = frames.astype(np.float32)
    moved[first:stop] += np.asarray(by, np.float32)
    return np.clip(np.round(moved), 0, 255).astype(np.uint8)
