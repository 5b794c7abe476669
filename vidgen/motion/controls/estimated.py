"""Controls drawn with networks: nearness as brightness, poses as bones, and the face of a pose."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from vidgen.motion.controls.depth import depth
from vidgen.motion.controls.pose import HEAD, SURE, Joints, bones, named
from vidgen.motion.controls.smoothing import smoothed
from vidgen.motion.subject import box_of, subject_of
from vidgen.runtime.memory import on_device

Frame = NDArray[np.uint8]
Plane = NDArray[np.float32]
HELD = 0.9
"""How much of the range of nearness stays from frame to frame where smoothing is whole."""
FLAT = 1e-12
"""A range below this is none."""
FACE_HELD = 0.7
"""Likewise, of the place where a face is cut out, always: a face video that shakes moves the face."""
FACE_SIZE = 2.2
"""A face's side by the distance of its outermost joints."""
SMALLEST_FACE = 8.0


class Sees(Protocol):
    """A network, wherever it lies."""

    @property
    def net(self) -> torch.nn.Module: ...


class SeesDepth(Sees, Protocol):
    def nearness(self, frame: Frame) -> Plane: ...


class SeesPoses(Sees, Protocol):
    def joints(self, frame: Frame, box: tuple[float, float, float, float]) -> Plane: ...


@dataclass(frozen=True, slots=True, eq=False)
class DepthDrawer:
    """White is nearest. Networks give no unit, so that each frame is drawn from its farthest to its nearest; smoothed,
    these change slowly, and each frame is mixed with its neighbours."""

    network: SeesDepth
    name: str
    device: torch.device

    def drawn(self, frames: Iterable[Frame], smoothing: float) -> Iterator[Frame]:
        pairs = self._pairs(frames, smoothing)
        return smoothed(pairs, smoothing) if smoothing else (control for _, control in pairs)

    def _pairs(self, frames: Iterable[Frame], smoothing: float) -> Iterator[tuple[Frame, Frame]]:
        kept: tuple[float, float] | None = None
        for frame in frames:
            with on_device(self.network.net, self.device):
                near = self.network.nearness(frame)
            own = float(near.min()), float(near.max())
            kept = own if kept is None else (_held(kept[0], own[0], smoothing), _held(kept[1], own[1], smoothing))
            share = (near - kept[0]) / max(kept[1] - kept[0], FLAT)
            yield frame, depth(np.clip(share, 0, 1)[None])[0]


@dataclass(frozen=True, slots=True, eq=False)
class PoseDrawer:
    """One person: who stands out from a plain ground, else whoever the whole frame shows."""

    network: SeesPoses
    name: str
    device: torch.device

    def drawn(self, frames: Iterable[Frame], smoothing: float) -> Iterator[Frame]:
        for frame, joints in _poses(self, frames, smoothing):
            yield bones(joints, *frame.shape[:2])


@dataclass(frozen=True, slots=True, eq=False)
class FaceDrawer:
    """A square around the head of the pose, as large as the frame's shorter side; unseen, it stays where it was."""

    network: SeesPoses
    name: str
    device: torch.device

    def drawn(self, frames: Iterable[Frame], smoothing: float) -> Iterator[Frame]:
        kept: Sequence[float] | None = None
        for frame, joints in _poses(self, frames, smoothing):
            seen = face_square(joints)
            if seen is not None:
                kept = (
                    seen if kept is None else [_held(a, b, FACE_HELD / HELD) for a, b in zip(kept, seen, strict=True)]
                )
            yield _cut(frame, kept)


def face_square(joints: Joints) -> tuple[float, float, float] | None:
    """Middle and side in pixels, None where fewer than two joints of the head are seen."""
    places = [place for name, place in named(joints).items() if name in HEAD]
    if len(places) < 2:
        return None
    points = np.array(places)
    side = FACE_SIZE * float(np.ptp(points, axis=0).max())
    return float(points[:, 0].mean()), float(points[:, 1].mean()), max(SMALLEST_FACE, side)


def _poses(
    drawer: PoseDrawer | FaceDrawer, frames: Iterable[Frame], smoothing: float
) -> Iterator[tuple[Frame, Joints]]:
    """Smoothed, a joint that was seen before as well comes to its new place slowly."""
    kept: Joints | None = None
    for frame in frames:
        with on_device(drawer.network.net, drawer.device):
            joints = drawer.network.joints(frame, person_box(frame))
        if kept is not None:
            both = (joints[:, 2] >= SURE) & (kept[:, 2] >= SURE)
            joints[both, :2] = (1 - smoothing / 2) * joints[both, :2] + smoothing / 2 * kept[both, :2]
        kept = joints
        yield frame, joints


def person_box(frame: Frame) -> tuple[float, float, float, float]:
    """Left, top, width and height in pixels, of what stands out from the ground; else the whole frame."""
    height, width = frame.shape[:2]
    subject = subject_of(frame)
    if subject is None:
        return 0.0, 0.0, float(width), float(height)
    box = box_of(subject)
    across, down = float(box.right - box.left) * width, float(box.bottom - box.top) * height
    return float(box.left) * width, float(box.top) * height, across, down


def _held(kept: float, new: float, smoothing: float) -> float:
    return HELD * smoothing * kept + (1 - HELD * smoothing) * new


def _cut(frame: Frame, square: Sequence[float] | None) -> Frame:
    height, width = frame.shape[:2]
    side = min(height, width)
    x, y, size = (width / 2, height / 2, float(side)) if square is None else square
    scale = side / size
    to = np.array([[scale, 0, side / 2 - scale * x], [0, scale, side / 2 - scale * y]], np.float32)
    return np.asarray(cv2.warpAffine(frame, to, (side, side), None, cv2.INTER_LINEAR, cv2.BORDER_REPLICATE), np.uint8)


Maker = Callable[..., DepthDrawer | PoseDrawer | FaceDrawer]
MAKERS: dict[str, Maker] = {"depth": DepthDrawer, "pose": PoseDrawer, "face": FaceDrawer}
"""By kind of control, from the network, its name and the device."""
