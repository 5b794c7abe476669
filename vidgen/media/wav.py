"""A waveform as a plain WAV file, which it is muxed from."""

import wave
from pathlib import Path

import numpy as np

from vidgen.runtime.waveform import Waveform

WAV = ".wav"
FULL = 32767
"""Full scale of 16 bits."""


def write_wav(sound: Waveform, path: Path) -> Path:
    """16 bits, which is finer than what the delivered file's encoder keeps. What is louder than full is clipped."""
    whole = np.round(np.clip(sound.samples, -1, 1) * FULL).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(whole.shape[0])
        file.setsampwidth(whole.dtype.itemsize)
        file.setframerate(sound.rate)
        file.writeframes(whole.T.tobytes())
    return path
