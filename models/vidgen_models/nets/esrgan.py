"""RRDBNet (ESRGAN and Real-ESRGAN), so that weights which users bring can be loaded by their keys.

Residual-in-residual dense blocks (Wang et al., 2018); each dense block hands all earlier features on and counts a
fifth. Two nearest-neighbour enlargements end the network; for a final scale of 2 or 1 the picture is first folded into
channels (Real-ESRGAN). Keys are those of "new" files (conv_first, body.0.rdb1.conv1, …).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vidgen.errors import ModelError

BLOCK = re.compile(r"body\.(\d+)\.rdb1\.conv1\.weight")
SHARE = 0.2
# a pixel's view is hundreds of pixels wide on paper; tiles would consist of their margins
MAX_REACH = 32


class EsrganNet(nn.Module):
    """[b, 3, h, w] in 0..1 to [b, 3, scale·h, scale·w]; `fold` 2 for scale 2, 4 for scale 1, else 1."""

    def __init__(self, channels: int, growth: int, blocks: int, fold: int) -> None:
        super().__init__()
        self.fold, self.scale = fold, 4 // fold
        self.reach = min((15 * blocks + 4) * fold, MAX_REACH)
        self.conv_first = nn.Conv2d(3 * fold**2, channels, 3, padding=1)
        self.body = nn.Sequential(*(_Nested(channels, growth) for _ in range(blocks)))
        for name in ("conv_body", "conv_up1", "conv_up2", "conv_hr"):
            self.add_module(name, nn.Conv2d(channels, channels, 3, padding=1))
        self.conv_last = nn.Conv2d(channels, 3, 3, padding=1)

    def forward(self, small: Tensor) -> Tensor:
        height, width = small.shape[-2:]
        padded = F.pad(small, (0, -width % self.fold, 0, -height % self.fold), mode="replicate")
        first = self.conv_first(F.pixel_unshuffle(padded, self.fold))
        x = first + self._named("conv_body", self.body(first))
        for name in ("conv_up1", "conv_up2"):
            x = F.leaky_relu(self._named(name, F.interpolate(x, scale_factor=2.0, mode="nearest")), 0.2)
        result: Tensor = self.conv_last(F.leaky_relu(self._named("conv_hr", x), 0.2))
        return result[..., : height * self.scale, : width * self.scale]

    def _named(self, name: str, x: Tensor) -> Tensor:
        result: Tensor = self.get_submodule(name)(x)
        return result


class _Nested(nn.Module):
    def __init__(self, channels: int, growth: int) -> None:
        super().__init__()
        self.rdb1, self.rdb2, self.rdb3 = (_Dense(channels, growth) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = x + SHARE * self.rdb3(self.rdb2(self.rdb1(x)))
        return result


class _Dense(nn.Module):
    def __init__(self, channels: int, growth: int) -> None:
        super().__init__()
        for number in range(4):
            self.add_module(f"conv{number + 1}", nn.Conv2d(channels + number * growth, growth, 3, padding=1))
        self.conv5 = nn.Conv2d(channels + 4 * growth, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        seen = [x]
        for number in range(4):
            seen.append(F.leaky_relu(self.get_submodule(f"conv{number + 1}")(torch.cat(seen, 1)), 0.2))
        result: Tensor = x + SHARE * self.conv5(torch.cat(seen, 1))
        return result


def is_esrgan(state: Mapping[str, Tensor]) -> bool:
    return "conv_first.weight" in state and "body.0.rdb1.conv1.weight" in state


def esrgan_from(state: Mapping[str, Tensor]) -> EsrganNet:
    """The network of a state dict. Raises ModelError when a weight is missing or of another shape."""
    first = state["conv_first.weight"]
    growth = int(state["body.0.rdb1.conv1.weight"].shape[0])
    blocks = 1 + max(int(found.group(1)) for found in map(BLOCK.fullmatch, state) if found)
    net = EsrganNet(int(first.shape[0]), growth, blocks, round((first.shape[1] / 3) ** 0.5))
    try:
        net.load_state_dict({name: value.float() for name, value in state.items()})
    except RuntimeError as error:
        raise ModelError(f"not the weights of ESRGAN: {str(error).splitlines()[-1].strip()}") from error
    return net.eval().requires_grad_(False)
