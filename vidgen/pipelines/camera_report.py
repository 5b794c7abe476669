"""The camera that was asked for beside the one that the frames show, step by step."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from vidgen.media.frames import FrameChunk
from vidgen.motion.camera import GROUND
from vidgen.pipelines.resolved import Resolved
from vidgen.quality.conditioning.similarity import Similarity, similarities
from vidgen.spec import Camera
from vidgen.spec.conditioning.camera import AXES

LEAST = 0.5
"""Share of the steps that must be measurable."""
PLAIN = (
    "outside of the subject there is too little texture to tell a camera's motion by; ask for a ground with a pattern"
)


def camera_report(frames: FrameChunk, camera: Camera, asked: Resolved, strength: float = 1.0) -> dict[str, Any]:
    """`axes`: by axis the mean speed `requested` and the median `measured`, and both by step, in the spec's units.

    `fit` is the share of textured places that follow the fitted motion, whatever was requested. What cannot be measured
    is None, with a `why`.
    """
    seen = similarities(frames)
    told = [_as_asked(it.speeds(asked.fps, asked.width), camera) if it.agreement else None for it in seen]
    requested = _requested(camera, asked, len(frames), strength)
    known = [it for it in told if it is not None]
    enough = len(known) >= LEAST * len(told)
    axes: dict[str, Any] = {}
    for axis in dict.fromkeys([*_measured_axes(camera), *camera.axes()]):
        there = [it[axis] for it in known if axis in it]
        axes[axis] = {
            "requested": _rounded(np.mean([it[axis] for it in requested])),
            "measured": _rounded(np.median(there)) if enough and there else None,
            "requested_over_time": [_rounded(it[axis]) for it in requested],
            "over_time": [None if it is None or axis not in it or not enough else _rounded(it[axis]) for it in told],
        }
    if not enough:
        return {"axes": axes, "fit": None, "why": PLAIN}
    return {"axes": axes, "fit": _rounded(_fit(seen))}


def _requested(camera: Camera, asked: Resolved, count: int, strength: float) -> list[dict[str, float]]:
    """By step: the motion that leads to each frame but the first."""
    last = max(1, asked.num_frames - 1)
    told = [camera.at((frame - 0.5) / last) for frame in range(1, count)]
    return [{axis: strength * it[axis] for axis in AXES} for it in told]


def _measured_axes(camera: Camera) -> list[str]:
    return list(_as_asked(dict.fromkeys(("pan", "tilt", "zoom", "roll"), 0.0), camera))


def _as_asked(speeds: dict[str, float], camera: Camera) -> dict[str, float]:
    """What is measured in the words that were used: a dolly shows as the ground's growth, an orbit as its drift."""
    axes = camera.axes()
    told = dict(speeds)
    if "dolly" in axes and "zoom" not in axes:
        told["dolly"] = told.pop("zoom") / GROUND
    if "orbit" in axes and "pan" not in axes:
        told["orbit"] = -told.pop("pan")
    return told


def _fit(seen: Sequence[Similarity]) -> float:
    return float(np.mean([motion.agreement for motion in seen if motion.agreement]))


def _rounded(value: Any) -> float:
    return round(float(value), 3)
