"""A person's pose as bones: coloured limbs and joints on black, as OpenPose (Cao et al. 2017, arXiv:1611.08050) has it.

Networks that follow poses know these colours: eighteen hues around the wheel, a limb by its number, a joint by its own.
"""

from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

Frame = NDArray[np.uint8]
Joints = NDArray[np.float32]
"""`[joints, 3]`: x and y in pixels, and how sure it is (0..1)."""

_COCO = (
    "nose left-eye right-eye left-ear right-ear left-shoulder right-shoulder left-elbow right-elbow left-wrist "
    "right-wrist left-hip right-hip left-knee right-knee left-ankle right-ankle"
)
COCO = tuple(_COCO.split())
"""The order in which networks give the joints."""
_BODY = (
    "nose neck right-shoulder right-elbow right-wrist left-shoulder left-elbow left-wrist right-hip right-knee "
    "right-ankle left-hip left-knee left-ankle right-eye left-eye right-ear left-ear"
)
BODY = tuple(_BODY.split())
"""The order in which they are coloured."""
CHAINS = (
    "neck right-shoulder",
    "neck left-shoulder",
    "right-shoulder right-elbow right-wrist",
    "left-shoulder left-elbow left-wrist",
    "neck right-hip right-knee right-ankle",
    "neck left-hip left-knee left-ankle",
    "neck nose right-eye right-ear",
    "nose left-eye left-ear",
)
LIMBS = tuple(limb for chain in CHAINS for limb in pairwise(chain.split()))
"""In the order of their colours."""
HEAD = ("nose", "left-eye", "right-eye", "left-ear", "right-ear")
SURE = 0.3
"""From which on a joint counts as seen."""
STICK, DOT = 1 / 128, 1 / 128
"""Half a limb's width, and a joint's radius, as shares of the frame's shorter side."""
LIMB_LIGHT = 0.6


def bones(joints: Joints, height: int, width: int) -> Frame:
    """`uint8 [height, width, 3]`; limbs with an end that is not seen are left out."""
    frame = np.zeros((height, width, 3), np.uint8)
    places = named(joints)
    half = max(1, round(STICK * min(height, width)))
    for number, (one, other) in enumerate(LIMBS):
        if one in places and other in places:
            colour = tuple(int(LIMB_LIGHT * value) for value in hue(number))
            cv2.fillConvexPoly(frame, _limb(places[one], places[other], half), colour)
    radius = max(1, round(DOT * min(height, width)))
    for number, name in enumerate(BODY):
        if name in places:
            x, y = places[name]
            cv2.circle(frame, (round(x), round(y)), radius, hue(number), -1)
    return frame


def named(joints: Joints) -> dict[str, tuple[float, float]]:
    """Where the joints are that are seen; the neck lies between the shoulders."""
    found = {name: (float(x), float(y)) for name, (x, y, sure) in zip(COCO, joints, strict=True) if sure >= SURE}
    if "left-shoulder" in found and "right-shoulder" in found:
        (ax, ay), (bx, by) = found["left-shoulder"], found["right-shoulder"]
        found["neck"] = ((ax + bx) / 2, (ay + by) / 2)
    return found


def hue(number: int) -> tuple[int, int, int]:
    """The colour of a number of eighteen, red first: the wheel in steps of a third of a corner."""
    corner, share = divmod(number % len(BODY), 3)
    rise, fall = round(255 * share / 3), round(255 * (1 - share / 3))
    wheel = ((255, rise, 0), (fall, 255, 0), (0, 255, rise), (0, fall, 255), (rise, 0, 255), (255, 0, fall))
    return wheel[corner]


def _limb(one: tuple[float, float], other: tuple[float, float], half: int) -> NDArray[np.int32]:
    """An ellipse from joint to joint."""
    middle = (round((one[0] + other[0]) / 2), round((one[1] + other[1]) / 2))
    long = round(float(np.hypot(one[0] - other[0], one[1] - other[1])) / 2)
    angle = round(float(np.degrees(np.arctan2(one[1] - other[1], one[0] - other[0]))))
    return np.asarray(cv2.ellipse2Poly(middle, (long, half), angle, 0, 360, 1), np.int32)
