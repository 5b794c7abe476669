"""Draws clips: sprites at their places over a ground, as a camera sees them.

Knows geometry and colours. Does not know words (captions.py) or networks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from training.cameras import STATIC, Pose, camera_path, similarity
from training.canvas import SMALL, UNITS, Canvas
from training.grounds import GROUNDS, ground
from training.grounds import SIDE as GROUND_SIDE
from training.places import Placement, path
from training.sprites import Sprite

EDGE = (GROUND_SIDE - UNITS) / 2  # of a ground, beyond the frame on every side, in units


@dataclass(frozen=True, slots=True, eq=False)
class Actor:
    """A sprite and where it is in the world, a place for every frame."""

    sprite: Sprite
    places: Sequence[Placement]


@dataclass(frozen=True, slots=True, eq=False)
class Shot:
    """What a clip shows: a sprite at `places` in the world, over a ground [GROUND_SIDE, GROUND_SIDE, 3] (in units of
    `canvas`) in [0, 1] whose middle is the frame, seen from `poses`; one of each for every frame. `others` are in the
    picture too, before it."""

    sprite: Sprite
    places: Sequence[Placement]
    ground: NDArray[np.float32]
    poses: Sequence[Pose]
    others: tuple[Actor, ...] = ()
    canvas: Canvas = SMALL

    @property
    def seen(self) -> list[Placement]:
        """The sprite's places in the frame."""
        return [pose.seen(place) for pose, place in zip(self.poses, self.places, strict=True)]

    def frames(self) -> NDArray[np.uint8]:
        """T H W 3, 0 to 255."""
        drawn = [_ground_seen(self.ground, pose, self.canvas) for pose in self.poses]
        for actor in (Actor(self.sprite, self.places), *self.others):
            seen = [pose.seen(place) for pose, place in zip(self.poses, actor.places, strict=True)]
            drawn = [draw(frame, actor.sprite, place) for frame, place in zip(drawn, seen, strict=True)]
        return (np.stack(drawn) * 255 + 0.5).clip(0, 255).astype(np.uint8)

    def silhouettes(self) -> NDArray[np.float32]:
        """How much of each pixel the sprite covers, T H W in [0, 1]."""
        return np.stack([layer(self.sprite, place, self.canvas)[..., 3] for place in self.seen])


def shot(
    sprite: Sprite,
    places: Sequence[Placement],
    behind: str | NDArray[np.float32],
    camera: str,
    rng: np.random.Generator,
    others: tuple[Actor, ...] = (),
    canvas: Canvas = SMALL,
) -> Shot:
    """`behind` is a ground's name, or the picture itself."""
    picture = ground(behind, rng, canvas) if isinstance(behind, str) else behind
    return Shot(sprite, places, picture, camera_path(camera, len(places), rng), others, canvas)


def ground_picture(rng: np.random.Generator, canvas: Canvas = SMALL) -> NDArray[np.float32]:
    """Any ground, as a camera that does not move sees it, H W 3."""
    return _ground_seen(ground(str(rng.choice(GROUNDS)), rng, canvas), STATIC, canvas)


def layer(sprite: Sprite, place: Placement, canvas: Canvas = SMALL) -> NDArray[np.float32]:
    """The sprite at `place` alone, premultiplied RGBA, H W 4 in [0, 1]."""
    source = sprite.posed(place.pose).at_least(place.side, canvas)
    middle = (source.shape[0] - 1) / 2
    matrix = similarity(place.x, place.y, place.side / source.shape[0], place.angle) @ similarity(-middle, -middle)
    sides, matrix = (canvas.side, canvas.side), canvas.matrix(matrix)
    drawn = np.asarray(cv2.warpAffine(source, matrix[:2], sides, flags=cv2.INTER_LINEAR), np.float32)
    return drawn if place.opacity == 1 else drawn * np.float32(place.opacity)


def draw(picture: NDArray[np.float32], sprite: Sprite, place: Placement) -> NDArray[np.float32]:
    """Composites `sprite` over `picture` (H W 3, values in [0, 1]) and returns the new one."""
    drawn = layer(sprite, place, Canvas(len(picture)))
    return drawn[..., :3] + picture * (1.0 - drawn[..., 3:])


def _ground_seen(picture: NDArray[np.float32], pose: Pose, canvas: Canvas) -> NDArray[np.float32]:
    if pose == STATIC:
        begin = canvas.pixels(EDGE)
        return picture[begin : begin + canvas.side, begin : begin + canvas.side]
    matrix = canvas.warp(pose.matrix() @ similarity(-EDGE, -EDGE))[:2]
    sides = (canvas.side, canvas.side)
    seen = cv2.warpAffine(picture, matrix, sides, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    return np.asarray(seen, np.float32)


def render_clip(
    sprite: Sprite,
    motion: str,
    ground_name: str,
    rng: np.random.Generator,
    frames: int = 17,
    camera: str = "static",
    canvas: Canvas = SMALL,
) -> NDArray[np.uint8]:
    """A clip of `frames` frames, shape T H W 3, 0 to 255."""
    return shot(sprite, path(motion, frames, rng), ground_name, camera, rng, canvas=canvas).frames()
