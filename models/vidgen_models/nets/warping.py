"""Backward warping: the one way in which flows move pictures. Flows are in pixels, x before y."""

import torch
import torch.nn.functional as F
from torch import Tensor


def warp(picture: Tensor, flow: Tensor) -> Tensor:
    """`picture` [b, c, h, w] fetched bilinearly at each pixel's place plus `flow` [b, 2, h, w]; edges are repeated."""
    height, width = picture.shape[-2:]
    y = torch.linspace(-1.0, 1.0, height, device=flow.device, dtype=flow.dtype).view(1, height, 1)
    x = torch.linspace(-1.0, 1.0, width, device=flow.device, dtype=flow.dtype).view(1, 1, width)
    grid_x = x + flow[:, 0] * (2.0 / max(width - 1, 1))
    grid_y = y + flow[:, 1] * (2.0 / max(height - 1, 1))
    grid = torch.stack((grid_x, grid_y), dim=-1)
    return F.grid_sample(picture, grid, mode="bilinear", padding_mode="border", align_corners=True)


def enlarge_flow(flow: Tensor) -> Tensor:
    """Twice the size: [b, 2n, h, w] in pixels of its own grid to [b, 2n, 2h, 2w] in pixels of the finer one."""
    return 2.0 * F.interpolate(flow, scale_factor=2.0, mode="bilinear", align_corners=False)
