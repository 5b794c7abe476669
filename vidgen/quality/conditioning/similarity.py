"""The camera's motion out of a dense flow: the similarity that most of what is seen follows.

Least squares, reweighted so that what moves otherwise (a subject) counts little (Holland & Welsch 1977, with Cauchy's
weights).
Places without texture do not count: flow is made up there.
"""

import math
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from vidgen.media.frames import FrameChunk
from vidgen.motion.controls.flow import FlowSearch
from vidgen.motion.subject import subject_of
from vidgen.spec.conditioning.camera import DEGREES_AT_10, FASTEST, OCTAVES_AT_10, SHIFT_AT_10

Plane = NDArray[np.float32]
ROUNDS = 20
SHARPEST = 6.0
"""Grey levels of gradient from which on a place has texture."""
AROUND = 3
"""Pixels around a subject that count as its own."""
LEAST_GROUND = 0.15
"""Share of what lies outside of the subject that must have texture."""
PATTERNED = 0.7
"""Share of a ground with texture from which on it is a pattern: plain ones and skies have 0.02 to 0.54, walls 0.8."""
SCATTER = 0.25
"""Pixels: a place whose motion is off by so much counts half."""


@dataclass(frozen=True, slots=True)
class Similarity:
    """From one frame to the next, about the frame's middle: pixels, factor of size, degrees clockwise.

    `agreement` is the share of textured places that follow it within a pixel, 0 where nothing has texture.
    """

    x: float
    y: float
    scale: float
    angle: float
    agreement: float

    def speeds(self, fps: float, width: int) -> dict[str, float]:
        """As a camera's speeds in a spec: it moves against what is seen."""
        second = FASTEST * fps
        return {
            "pan": -self.x * second / (SHIFT_AT_10 * width),
            "tilt": self.y * second / (SHIFT_AT_10 * width),
            "zoom": math.log2(self.scale) * second / OCTAVES_AT_10,
            "roll": -self.angle * second / DEGREES_AT_10,
        }


def similarities(frames: FrameChunk) -> list[Similarity]:
    """That between each frame and the next. Of a ground without texture nothing is told but its `agreement`, 0."""
    search = FlowSearch()
    return [fitted(search.between(early, late), ground_texture(late)) for early, late in pairwise(frames)]


def ground_texture(frame: NDArray[np.uint8]) -> Plane:
    """Where a frame has texture outside of its subject; nowhere, where that is too little to tell a camera by.

    A subject that moves over a plain ground would else be taken for a camera that moves against it.
    """
    ground, share = _ground(frame)
    return ground if subject_of(frame) is None or share >= LEAST_GROUND else np.zeros_like(ground)


def is_patterned(frames: FrameChunk) -> bool:
    """Whether the ground has texture nearly everywhere, in most of the frames: there nothing stands out from it."""
    return float(np.median([_ground(frame)[1] for frame in frames])) > PATTERNED


def _ground(frame: NDArray[np.uint8]) -> tuple[Plane, float]:
    """Where a frame has texture outside of its subject, and its share of what lies there; of all, without a subject."""
    places, subject = textured(frame), subject_of(frame)
    if subject is None:
        return places, float(places.mean())
    # its own edge, softened by the model, is the subject's too
    outside = cv2.dilate(subject, np.ones((2 * AROUND + 1,) * 2)) < 0.5
    ground = np.asarray(places * outside, np.float32)
    return ground, float(ground.sum() / outside.sum()) if outside.any() else 0.0


def speed_of(frames: FrameChunk) -> float:
    """How far places that have texture move in the mean, in widths of the frame a frame; 0 where nothing has any."""
    search, moved = FlowSearch(), []
    for early, late in pairwise(frames):
        places = textured(late) > 0
        moved += [np.hypot(*search.between(early, late))[places]] if places.any() else []
    return float(np.concatenate(moved).mean()) / frames.shape[2] if moved else 0.0


def fitted(flow: Plane, weights: Plane) -> Similarity:
    """Of a flow `[2, height, width]` in pixels that leads to a frame; `weights` `[height, width]`: what counts."""
    height, width = weights.shape
    y, x = (plane.ravel() for plane in np.mgrid[0:height, 0:width].astype(np.float64))
    x, y = x - (width - 1) / 2, y - (height - 1) / 2
    counts = weights.ravel() > 0
    if counts.sum() < 8:
        return Similarity(0.0, 0.0, 1.0, 0.0, 0.0)
    x, y, known = x[counts], y[counts], flow.reshape(2, -1)[:, counts].astype(np.float64)
    one, zero = np.ones_like(x), np.zeros_like(x)
    terms = np.concatenate([np.stack([x, -y, one, zero], 1), np.stack([y, x, zero, one], 1)])
    goal = known.ravel()
    share = np.tile(weights.ravel()[counts].astype(np.float64), 2)
    firm = np.ones_like(x)
    for _ in range(ROUNDS):
        root = np.sqrt(share * np.tile(firm, 2))
        fit = np.linalg.lstsq(terms * root[:, None], goal * root, rcond=None)[0]
        off = np.hypot(*(goal - terms @ fit).reshape(2, -1))
        firm = 1 / (1 + (off / max(SCATTER, float(np.median(off)))) ** 2)
    growth, turn, right, down = map(float, fit)
    # a flow leads from the frame before: p - A⁻¹(p - t)
    back = np.array([[1 - growth, turn], [-turn, 1 - growth]])
    forth = np.linalg.inv(back)
    moved = forth @ (right, down)
    return Similarity(
        float(moved[0]),
        float(moved[1]),
        float(np.hypot(forth[0, 0], forth[1, 0])),
        math.degrees(math.atan2(forth[1, 0], forth[0, 0])),
        float((off < 1).mean()),
    )


def textured(frame: NDArray[np.uint8]) -> Plane:
    """`[height, width]`: 1 where a frame has structure that can be followed, 0 where it has none."""
    luma = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY).astype(np.float32)
    strength = np.hypot(cv2.Sobel(luma, cv2.CV_32F, 1, 0, scale=0.25), cv2.Sobel(luma, cv2.CV_32F, 0, 1, scale=0.25))
    return np.asarray(cv2.dilate((strength > SHARPEST).astype(np.float32), np.ones((3, 3), np.uint8)), np.float32)
