"""The network that enlarges a picture two or four times, and how a picture of any size goes through it in tiles.

All convolutions work at the small size and the enlargement comes last (SRVGG, Wang et al., 2021; sub-pixel convolution,
Shi et al., 2016). The network adds to the Lanczos enlargement, so untrained it is that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vidgen.errors import ModelError

LANCZOS = 3  # lobes


@dataclass(frozen=True, slots=True)
class UpscalingParams:
    """`scale` is 2 or 4; `blocks` residual blocks of two convolutions with `channels` each."""

    scale: int = 2
    channels: int = 48
    blocks: int = 4


class UpscalingNet(nn.Module):
    """[b, 3, h, w] in 0..1 to [b, 3, scale·h, scale·w]."""

    def __init__(self, params: UpscalingParams | None = None) -> None:
        super().__init__()
        self.params = params or UpscalingParams()
        channels = self.params.channels
        self.take = nn.Conv2d(3, channels, 3, padding=1)
        self.blocks = nn.Sequential(*(_Block(channels) for _ in range(self.params.blocks)))
        self.proj_out = nn.Conv2d(channels, 3 * self.scale**2, 3, padding=1)
        self.register_buffer("lanczos", lanczos_kernel(self.scale), persistent=False)
        nn.init.normal_(self.proj_out.weight, std=1e-3)
        nn.init.zeros_(self.proj_out.bias)  # type: ignore[arg-type]

    @property
    def scale(self) -> int:
        return self.params.scale

    @property
    def reach(self) -> int:
        """How many small pixels away a pixel can be seen: tiles that overlap by so much show no seam."""
        return max(2 * self.params.blocks + 2, LANCZOS)

    def forward(self, small: Tensor) -> Tensor:
        x = self.take(small - 0.5)
        detail = F.pixel_shuffle(self.proj_out(x + self.blocks(x)), self.scale)
        return self._base(small.float()) + detail

    def _base(self, small: Tensor) -> Tensor:
        wide = F.pad(small, (LANCZOS, LANCZOS, LANCZOS, LANCZOS), mode="replicate").flatten(0, 1).unsqueeze(1)
        phases = F.conv2d(wide, self.get_buffer("lanczos"))
        return F.pixel_shuffle(phases, self.scale).view(*small.shape[:2], *(self.scale * s for s in small.shape[2:]))


def lanczos_kernel(scale: int) -> Tensor:
    """The windowed sinc (Duchon, 1979) at each of scale² places inside a pixel, [scale², 1, 7, 7]."""
    place = (torch.arange(scale, dtype=torch.float64) + 0.5) / scale - 0.5
    distance = torch.arange(-LANCZOS, LANCZOS + 1, dtype=torch.float64) - place[:, None]
    taps = torch.sinc(distance) * torch.sinc(distance / LANCZOS) * (distance.abs() < LANCZOS)
    taps = taps / taps.sum(1, keepdim=True)
    return torch.einsum("ay,bx->abyx", taps, taps).flatten(0, 1).unsqueeze(1).float()


class _Block(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)
        self.act = nn.LeakyReLU(0.1)

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = x + self.second(self.act(self.first(x)))
        return result


def upscale_tiled(net: nn.Module, picture: Tensor, scale: int, reach: int, tile: int = 256) -> Tensor:
    """`net` over `picture` [b, c, h, w] in squares of `tile` small pixels, [b, c, scale·h, scale·w].

    Each square is seen with `reach` pixels around it, which are cut off again: memory is that of one tile and the
    result, and where `reach` covers the network's field of view the result is the one without tiles.
    """
    height, width = picture.shape[-2:]
    result = picture.new_empty((*picture.shape[:-2], height * scale, width * scale))
    for top in range(0, height, tile):
        for left in range(0, width, tile):
            bottom, right = min(top + tile, height), min(left + tile, width)
            y, x = max(top - reach, 0), max(left - reach, 0)
            large = net(picture[..., y : min(bottom + reach, height), x : min(right + reach, width)])
            inner = large[..., (top - y) * scale : (bottom - y) * scale, (left - x) * scale : (right - x) * scale]
            result[..., top * scale : bottom * scale, left * scale : right * scale] = inner
    return result


def is_upscaling(state: Mapping[str, Tensor]) -> bool:
    return "take.weight" in state and "blocks.0.first.weight" in state


def upscaling_from(state: Mapping[str, Tensor]) -> UpscalingNet:
    """The network of a state dict. Raises ModelError when a weight is missing or of another shape."""
    blocks = sum(name.endswith(".first.weight") for name in state)
    scale = round((state["proj_out.weight"].shape[0] / 3) ** 0.5)
    net = UpscalingNet(UpscalingParams(scale, int(state["take.weight"].shape[0]), blocks))
    try:
        net.load_state_dict({name: value.float() for name, value in state.items()})
    except RuntimeError as error:
        raise ModelError(f"not the weights of UpscalingNet: {str(error).splitlines()[-1].strip()}") from error
    return net.eval().requires_grad_(False)
