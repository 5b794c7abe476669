"""Exposure and a tone curve, in linear light and on luminance alone, so that hues stay.

Curves: the extended one of Reinhard et al. ("Photographic Tone Reproduction for Digital Images", 2002, equation 4), and
the filmic one of Hable (GDC 2010). Both send `white` times the light of white to white.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from vidgen.media.frames import FrameChunk
from vidgen.post.transparency import Frame, on_colours
from vidgen.spec.post import ToneMap

Light = NDArray[np.float32]
LUMINANCE = np.array([0.2126, 0.7152, 0.0722], np.float32)  # BT.709
STEPS = 4096
LEAST = 1e-6


class ToneMapper:
    """Frame by frame; nothing is carried from one to the next."""

    def __init__(self, step: ToneMap) -> None:
        self._gain = np.float32(2.0**step.exposure)
        self._curve = {"reinhard": reinhard, "filmic": filmic}[step.curve]
        self._white = step.white

    def through(self, chunks: Iterator[FrameChunk]) -> Iterator[FrameChunk]:
        return on_colours(self._frame, chunks)

    def _frame(self, frame: Frame) -> Frame:
        light = TO_LIGHT[frame] * self._gain
        luminance = np.maximum(light @ LUMINANCE, LEAST)
        mapped = light * (self._curve(luminance, self._white) / luminance)[..., None]
        return FROM_LIGHT[np.clip(mapped * (STEPS - 1) + 0.5, 0, STEPS - 1).astype(np.int32)]


def reinhard(light: Light, white: float) -> Light:
    """Dark tones nearly as they are; `white` and more is white."""
    found: Light = np.asarray(light * (1 + light / white**2) / (1 + light), np.float32)
    return found


def filmic(light: Light, white: float) -> Light:
    """A toe that deepens the dark and a long shoulder."""
    found: Light = _hable(2 * light) / _hable(np.float32(2 * white))
    return found


def _hable(x: Light | np.float32) -> Light:
    a, b, c, d, e, f = 0.15, 0.50, 0.10, 0.20, 0.02, 0.30
    found: Light = np.asarray((x * (a * x + c * b) + d * e) / (x * (a * x + b) + d * f) - e / f, np.float32)
    return found


def _to_light(value: NDArray[np.float64]) -> NDArray[np.float64]:
    """sRGB (IEC 61966-2-1), 0..1, to linear light."""
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def _from_light(light: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)


TO_LIGHT: Light = _to_light(np.arange(256) / 255).astype(np.float32)
FROM_LIGHT: Frame = np.rint(255 * _from_light(np.arange(STEPS) / (STEPS - 1))).astype(np.uint8)
