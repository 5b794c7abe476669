"""Sound as numbers, as a model makes it."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True, eq=False)
class Waveform:
    """`samples` are float `[channels, samples]` in -1..1, `rate` of them a second."""

    samples: np.ndarray
    rate: int
