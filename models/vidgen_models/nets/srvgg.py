"""SRVGG ("compact"), so that weights which users bring can be loaded by their keys.

The network of Real-ESRGAN's small models (Wang et al., 2021): a plain row of convolutions and activations with one
slope a channel, the enlargement last, added to the nearest-neighbour enlargement.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch.nn.functional as F
from torch import Tensor, nn

from vidgen.errors import ModelError

LAYER = re.compile(r"body\.(\d+)\.weight")


class SrvggNet(nn.Module):
    """[b, 3, h, w] in 0..1 to [b, 3, scale·h, scale·w]."""

    def __init__(self, channels: int, convolutions: int, scale: int) -> None:
        super().__init__()
        self.scale, self.reach = scale, convolutions + 2
        layers: list[nn.Module] = [nn.Conv2d(3, channels, 3, padding=1), nn.PReLU(channels)]
        for _ in range(convolutions):
            layers += [nn.Conv2d(channels, channels, 3, padding=1), nn.PReLU(channels)]
        self.body = nn.Sequential(*layers, nn.Conv2d(channels, 3 * scale**2, 3, padding=1))

    def forward(self, small: Tensor) -> Tensor:
        return F.pixel_shuffle(self.body(small), self.scale) + F.interpolate(
            small, scale_factor=float(self.scale), mode="nearest"
        )


def is_srvgg(state: Mapping[str, Tensor]) -> bool:
    return "body.0.weight" in state and "body.1.weight" in state and state["body.1.weight"].dim() == 1


def srvgg_from(state: Mapping[str, Tensor]) -> SrvggNet:
    """The network of a state dict. Raises ModelError when a weight is missing or of another shape."""
    last = max(int(found.group(1)) for found in map(LAYER.fullmatch, state) if found)
    scale = round((state[f"body.{last}.weight"].shape[0] / 3) ** 0.5)
    net = SrvggNet(int(state["body.0.weight"].shape[0]), (last - 2) // 2, scale)
    try:
        net.load_state_dict({name: value.float() for name, value in state.items()})
    except RuntimeError as error:
        raise ModelError(f"not the weights of SRVGG: {str(error).splitlines()[-1].strip()}") from error
    return net.eval().requires_grad_(False)
