"""A plain background to transparency, by its colour.

A pixel is a mixture of subject and background: c = α·f + (1 - α)·b. Near the background f is taken from the nearest
place that is surely subject; where c lies on the line between f and b, α is its place on that line, and the
background's share is taken out of it, so that no fringe of the old background is left at soft edges. What lies off that
line, such as a dark outline, or has no subject near it, such as a hair, grows opaque with its distance from b (ΔE of
CIE 1976).

It needs one flat colour behind the subject and says so where there is none. A subject's parts of the background's own
colour are kept unless they touch it. It is no segmentation: it knows colours, not things.
"""

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from vidgen.errors import MediaError
from vidgen.media.frames import FrameChunk
from vidgen.post.transparency import Frame
from vidgen.spec.post import RemoveBackground

Plane = NDArray[np.float32]
Mask = NDArray[np.bool_]
RIM = 0.04
"""How wide the strip along the edges is, as a share of the shorter side."""
FLAT = 0.5
"""Share of the strip that must have the background's colour."""
BAND = 2
"""How many pixels from the background a pixel may be a mixture."""
NEAR = 6
"""Within how many pixels there must be subject for its colour to count."""
OFF_LINE = 32.0
"""RGB steps from the line between two colours up to which a colour counts as their mixture."""


class BackgroundRemover:
    """Gives RGBA frames, or RGB ones where the background is replaced by a colour."""

    def __init__(self, step: RemoveBackground) -> None:
        self._step = step
        self._given: Plane | None = None if step.colour is None else rgb(step.colour)
        self._new = None if step.replace is None else rgb(step.replace)
        self._count = 0

    def through(self, chunks: Iterator[FrameChunk]) -> Iterator[FrameChunk]:
        """Raises MediaError at the first frame without a plain background."""
        for chunk in chunks:
            yield np.stack([self._frame(frame) for frame in chunk])

    def _frame(self, frame: FrameChunk) -> FrameChunk:
        colours = np.ascontiguousarray(frame[..., :3])
        ground: Plane = self._given if self._given is not None else self._found(colours)
        opacity = self._opacity(colours, ground)
        subject = unmixed(colours, opacity, ground)
        self._count += 1
        if frame.shape[-1] == 4:
            opacity = (opacity * (frame[..., 3] / 255)).astype(np.float32)
        if self._new is not None:
            return _rounded(subject * opacity[..., None] + self._new * (1 - opacity[..., None]))
        return np.dstack([_rounded(subject), _rounded(opacity * 255)])

    def _opacity(self, colours: Frame, ground: Plane) -> Plane:
        far = distance(colours, ground)
        back = far <= self._step.tolerance
        if not self._step.holes:
            back = outside(back)
        reached = cv2.dilate(back.astype(np.uint8), np.ones((2 * BAND + 1,) * 2, np.uint8)) > 0
        ramp: Plane = np.clip((far - self._step.tolerance) / self._step.softness, 0, 1).astype(np.float32)
        opacity = np.where(reached, soft(colours, ground, ~reached, ramp), 1)
        return np.where(back, 0, opacity).astype(np.float32)

    def _found(self, colours: Frame) -> Plane:
        """The colour along the edges. Raises MediaError when there is not one."""
        strip = rim(colours)
        ground: Plane = np.median(strip, axis=0).astype(np.float32)
        share = float((distance(strip[None], ground) <= self._step.tolerance).mean())
        if share < FLAT:
            raise MediaError(
                f"post.remove-background: frame {self._count} has no plain background ({share:.0%} of its edge has one "
                "colour, half is needed); this step keys one flat colour",
                code="no_plain_background",
            )
        return ground


def rgb(colour: str) -> Plane:
    """`#rrggbb` as three numbers, 0..255."""
    return np.array([int(colour[place : place + 2], 16) for place in (1, 3, 5)], np.float32)


def rim(colours: Frame) -> Frame:
    """The pixels of a strip along the edges, `[n, 3]`."""
    height, width = colours.shape[:2]
    strip = max(1, round(RIM * min(height, width)))
    mask = np.ones((height, width), bool)
    mask[strip:-strip, strip:-strip] = False
    found: Frame = colours[mask]
    return found


def distance(colours: Frame, ground: Plane) -> Plane:
    """ΔE of every pixel from `ground`."""
    pixels = cv2.cvtColor(colours.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    lab = cv2.cvtColor((ground / 255).reshape(1, 1, 3), cv2.COLOR_RGB2LAB)
    found: Plane = np.linalg.norm(pixels - lab, axis=-1).astype(np.float32)
    return found


def outside(back: Mask) -> Mask:
    """What of `back` hangs together with the frame's edge."""
    _, areas = cv2.connectedComponents(back.astype(np.uint8), connectivity=4)
    edge = np.concatenate([areas[0], areas[-1], areas[:, 0], areas[:, -1]])
    found: Mask = np.isin(areas, np.setdiff1d(edge, [0]))
    return found


def soft(colours: Frame, ground: Plane, sure: Mask, ramp: Plane) -> Plane:
    """Opacity of pixels near the background: their place between it and the nearest that is `sure`, else `ramp`."""
    if not sure.any():
        return ramp
    away, labels = cv2.distanceTransformWithLabels(
        (~sure).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    at_label = np.zeros((labels.max() + 1, 3), np.float32)
    at_label[labels[sure]] = colours[sure]
    line, offset = at_label[labels] - ground, colours - ground
    place = np.clip((offset * line).sum(-1) / np.maximum((line * line).sum(-1), 1), 0, 1)
    missed = np.linalg.norm(offset - place[..., None] * line, axis=-1)
    found: Plane = np.where((missed < OFF_LINE) & (away <= NEAR), place, ramp).astype(np.float32)
    return found


def unmixed(colours: Frame, opacity: Plane, ground: Plane) -> Plane:
    """The subject's own colour, 0..255, where it is seen at all."""
    share = np.maximum(opacity, 1 / 255)[..., None]
    subject: Plane = np.clip((colours - (1 - share) * ground) / share, 0, 255).astype(np.float32)
    return np.where(opacity[..., None] > 0, subject, 0).astype(np.float32)


def _rounded(values: Plane) -> Frame:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)
