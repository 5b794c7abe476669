"""Dense motion between two frames: DIS optical flow (Kroeger et al. 2016, "Fast Optical Flow using Dense Inverse
Search"), as OpenCV has it. A flow `[h, w, 2]` says where each place of the later frame was in the earlier one."""

from functools import cache

import cv2
import numpy as np

from vidgen.quality.seams.picture import Picture, Plane


class Flow:
    """Keeps the search's buffers from call to call; the frames must all have one size."""

    def __init__(self) -> None:
        self._search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
        # the preset ends at a quarter of the resolution, which is nothing at the size measured here
        self._search.setFinestScale(1)

    def between(self, earlier: Picture, later: Picture) -> Plane:
        """In pixels of the measuring size. Changes of brightness do not count as motion."""
        return np.asarray(self._search.calc(later.grey, earlier.grey, None), np.float32)


def carried(image: Plane, flow: Plane) -> Plane:
    """What `image` of the earlier frame looks like after the motion; places from outside repeat the border."""
    return np.asarray(
        cv2.remap(image, _places(flow.shape[:2]) + flow, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    )


@cache
def _places(shape: tuple[int, int]) -> Plane:
    rows, columns = np.indices(shape, np.float32)
    return np.stack([columns, rows], 2)
