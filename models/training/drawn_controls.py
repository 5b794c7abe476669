"""Control videos of a drawn clip, whose shapes and motion are known exactly, in the drawings that the service uses."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from training.canvas import Canvas
from training.places import SIDES, Placement
from training.render import Shot, similarity
from vidgen.motion.controls.canny import canny
from vidgen.motion.controls.depth import depth
from vidgen.motion.controls.flow_colours import flow_colours
from vidgen.motion.controls.gray import gray
from vidgen.motion.controls.layout import Box, layout

BACKDROP, NEAREST = 0.1, 1.0
VISIBLE = 0.5  # of a pixel that the sprite covers

Video = NDArray[np.uint8]


def layout_of(shot: Shot) -> Video:
    """The box of what is visible of the sprite."""
    boxes = [_box(silhouette) for silhouette in shot.silhouettes()]
    return layout([boxes], shot.canvas.side, shot.canvas.side)


def depth_of(shot: Shot) -> Video:
    """Nearness of a sprite grows with its side."""
    sides = np.array([place.side for place in shot.seen], np.float32)
    near = np.interp(sides, SIDES, (0.45, NEAREST)).astype(np.float32)[:, None, None]
    silhouettes = shot.silhouettes()
    return depth(BACKDROP + (near - BACKDROP) * silhouettes)


def flow_of(shot: Shot) -> Video:
    """The true motion of every pixel: the sprite's where it covers, else the ground's."""
    camera = camera_flow(shot)
    covered = (shot.silhouettes() > VISIBLE)[:, None]
    poses = [_pose_of(place) for place in shot.seen]
    return flow_colours(np.where(covered, _flow(poses, shot.canvas), camera))


def camera_flow_of(shot: Shot) -> Video:
    """The motion that the camera alone gives to every pixel."""
    return flow_colours(camera_flow(shot))


def camera_flow(shot: Shot) -> NDArray[np.float32]:
    return _flow([pose.matrix() for pose in shot.poses], shot.canvas)


def _flow(in_units: list[NDArray[np.float64]], canvas: Canvas) -> NDArray[np.float32]:
    """T 2 H W in pixels: how far each pixel of a frame has come since the frame before, under matrices from a layer to
    the frame's units; the first frame repeats the second's."""
    side, matrices = canvas.side, [canvas.matrix(matrix) for matrix in in_units]
    y, x = np.mgrid[0:side, 0:side]
    points = np.stack((x, y, np.ones_like(x))).reshape(3, -1).astype(np.float64)
    flow = [
        (points - before @ np.linalg.inv(now) @ points)[:2].reshape(2, side, side) for before, now in pairwise(matrices)
    ]
    return np.stack([flow[0], *flow]).astype(np.float32)


def _pose_of(place: Placement) -> NDArray[np.float64]:
    return similarity(place.x, place.y, place.side, place.angle)


def _box(silhouette: NDArray[np.float32]) -> Box | None:
    rows, columns = np.nonzero(silhouette > VISIBLE)
    if not len(rows):
        return None
    height, width = silhouette.shape
    return Box(columns.min() / width, rows.min() / height, (columns.max() + 1) / width, (rows.max() + 1) / height)


CONTROLS: dict[str, tuple[float, Callable[[Shot], Video]]] = {
    "layout": (0.28, layout_of),
    "flow": (0.17, flow_of),
    "camera": (0.13, camera_flow_of),
    "canny": (0.18, lambda shot: canny(shot.frames())),
    "depth": (0.12, depth_of),
    "gray": (0.12, lambda shot: gray(shot.frames())),
}
"""Each kind's share of the clips, and how it is drawn."""
