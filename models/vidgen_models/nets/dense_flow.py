"""Where every pixel goes, by a method that learns nothing: dense inverse search (Kroeger et al., 2016), out of OpenCV.

The interpolation network begins with these flows, so that its weights are spent on what geometry does not tell.
"""

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

MAX_SIDE = (
    1024  # larger frames are measured at this size: the search costs by the pixel, and its blocks are coarse anyway
)


def dense_flow(before: Tensor, after: Tensor) -> Tensor:
    """From frames [b, 3, h, w] in 0..1: [b, 4, h, w] in pixels, forward (x, y) on the first frame's grid and backward
    (x, y) on the second's."""
    pairs = zip(_grey(before), _grey(after), strict=True)
    flows = np.stack([np.concatenate((_search(a, b), _search(b, a)), axis=-1) for a, b in pairs])
    result = torch.from_numpy(flows).permute(0, 3, 1, 2).to(before.device)
    height, width = before.shape[-2:]
    if result.shape[-2:] == (height, width):
        return result.contiguous()
    stretch = result.new_tensor([width / result.shape[-1], height / result.shape[-2]] * 2).view(1, 4, 1, 1)
    return stretch * F.interpolate(result, size=(height, width), mode="bilinear", align_corners=False)


def _grey(pictures: Tensor) -> list[NDArray[np.uint8]]:
    frames = (pictures.detach().float() * 255 + 0.5).clamp(0, 255).byte().permute(0, 2, 3, 1).cpu().numpy()
    shrink = min(1.0, MAX_SIDE / max(frames.shape[1:3]))
    grey = [cv2.cvtColor(np.ascontiguousarray(frame), cv2.COLOR_RGB2GRAY) for frame in frames]
    return [cv2.resize(g, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA) if shrink < 1 else g for g in grey]


def _search(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> NDArray[np.float32]:
    """[h, w, 2]. The search needs some pixels in both directions; smaller frames have no motion to speak of."""
    if min(first.shape) < MIN_SIDE:
        return np.zeros((*first.shape, 2), np.float32)
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    return np.asarray(search.calc(first, second, None), np.float32)


MIN_SIDE = 32
