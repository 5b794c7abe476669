"""A clip with a known motion: a soft random pattern that drifts by, with a little noise, as generated frames have."""

import cv2
import numpy as np
from numpy.typing import NDArray

from vidgen.media.frames import FrameChunk
from vidgen.quality.seams import Joint, SeamMeter, SeamReport, Series, judge

FRAMES, SIDE = 60, 64
EVERY = 12
AT = 36
"""The joint that defects are planted at."""

JOINTS = tuple(Joint(at - 2, at + 2) for at in range(EVERY, FRAMES - 6, EVERY))
NUMBER = JOINTS.index(Joint(AT - 2, AT + 2))


def moving(speed: float = 1.2, seed: int = 0, frames: int = FRAMES) -> FrameChunk:
    """`uint8 [frames, 64, 64, 3]`: the pattern moves to the left by `speed` pixels a frame."""
    rng = np.random.default_rng(seed)
    wide = 120 + 40 * _pattern(rng, 1) + 10 * _pattern(rng, 3)
    found = []
    for n in range(frames):
        shift = np.float32([[1, 0, -speed * n], [0, 1, 0]])
        frame = cv2.warpAffine(wide, shift, (SIDE, SIDE), flags=cv2.INTER_LINEAR)
        found.append(frame + rng.normal(0, 0.7, frame.shape))
    return np.clip(np.round(found), 0, 255).astype(np.uint8)


def _pattern(rng: np.random.Generator, colours: int) -> NDArray[np.float32]:
    """`[64, 384, colours]` of unit deviation, with details of a few pixels."""
    wide = cv2.GaussianBlur(rng.normal(0, 1, (SIDE, 6 * SIDE, colours)).astype(np.float32), (0, 0), 2.0)
    return (wide / wide.std()).reshape(SIDE, 6 * SIDE, colours)


def lighter(frames: FrameChunk, by: tuple[float, float, float]) -> FrameChunk:
    return np.clip(np.round(frames + np.asarray(by)), 0, 255).astype(np.uint8)


def measured(frames: FrameChunk) -> Series:
    meter = SeamMeter()
    meter.add(frames)
    return meter.series()


def judged(frames: FrameChunk) -> SeamReport:
    return judge(measured(frames), JOINTS)
