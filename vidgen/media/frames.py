"""The currency of every streaming step."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

FrameChunk: TypeAlias = NDArray[np.uint8]
"""Some consecutive frames, `uint8 [frames, height, width, 3]`, RGB, or 4 with opacity, not premultiplied."""
