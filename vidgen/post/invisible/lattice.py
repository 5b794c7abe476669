"""Where the bits of a mark lie: one direction of a frame's coarse luminance a bit, and two combs of values along it.

Spread-transform dither modulation (Chen and Wornell, IEEE Trans. Information Theory 47(4), 2001): the projection of
the frame on a bit's direction is moved to the next tooth of the comb for 0 or for 1. What the picture shows does not
disturb the reader, as it would a correlation, and a frame moves by no more than half a tooth. The directions are slow
waves on its coarse picture of 32×32, so that neither another size nor an encoder at work on details moves it.
"""

import hashlib
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from vidgen.media.frames import FrameChunk
from vidgen.post.invisible.message import BITS

SIDE = 32
"""Of the coarse picture, in pixels."""
TOOTH = 20.0
"""Between two teeth of a comb, in grey levels times 32; half of it lies between a 0 and a 1."""
SLOWEST, FASTEST = 3.0, 12.0
"""Half periods of a wave over the frame."""
KEY = b"vidgen/invisible/1"
BT709 = np.array([0.2126, 0.7152, 0.0722], np.float32)
Numbers = NDArray[np.float64]


def luminance(frame: FrameChunk) -> NDArray[np.float32]:
    """Of `uint8 [height, width, 3 or 4]`, 0..255."""
    return np.asarray(frame[..., :3].astype(np.float32) @ BT709)


def projections(light: NDArray[np.float32]) -> Numbers:
    """How far a frame's luminance goes along each bit's direction."""
    coarse = cv2.resize(light, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    return np.asarray(directions() @ coarse.astype(np.float64).ravel())


def teeth(at: Numbers, bits: NDArray[np.uint8]) -> Numbers:
    """The nearest values that say `bits`."""
    offset = offsets() + bits * (TOOTH / 2)
    return np.asarray(np.round((at - offset) / TOOTH) * TOOTH + offset)


def leanings(at: Numbers) -> Numbers:
    """What the values say: 1 on a tooth for 0, -1 on one for 1, and 0 between."""
    return np.asarray(np.cos(2 * np.pi * (at - offsets()) / TOOTH))


@cache
def directions() -> Numbers:
    """`[BITS, SIDE * SIDE]`, of length 1 and at right angles to each other: keyed mixtures of the band's waves."""
    place = np.arange(SIDE)
    waves = np.cos(np.pi * (2 * place[None] + 1) * place[:, None] / (2 * SIDE)) * np.sqrt(2 / SIDE)
    band = [
        np.outer(waves[v], waves[u]).ravel()
        for v in range(1, SIDE)
        for u in range(1, SIDE)
        if SLOWEST <= np.hypot(u, v) <= FASTEST
    ]
    signs = _keyed_bits(BITS * len(band)).reshape(len(band), BITS) * 2.0 - 1.0
    mixed, _ = np.linalg.qr(signs)
    return np.asarray(mixed.T @ np.stack(band))


@cache
def offsets() -> Numbers:
    """Where each comb begins, 0..TOOTH: without it a frame of one colour would say something."""
    return _keyed_bits(8 * BITS, b"offsets").reshape(BITS, 8) @ (0.5 ** np.arange(1, 9)) * TOOTH


def _keyed_bits(count: int, use: bytes = b"") -> NDArray[np.uint8]:
    """The same on every machine and with every version of numpy."""
    stream = hashlib.shake_256(KEY + use).digest(-(-count // 8))
    return np.unpackbits(np.frombuffer(stream, np.uint8))[:count]
