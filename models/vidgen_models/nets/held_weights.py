"""Linear layers whose weights are held in 8 or 4 bits and computed with as before, on the rounded values.

Weights alone are rounded, never what flows through. LoRAs do not go on such layers.
"""

import re
from collections.abc import Callable, Mapping

import torch
from diffusers.hooks.layerwise_casting import DEFAULT_SKIP_MODULES_PATTERN
from torch import Tensor, nn
from torch.nn.functional import linear, pad

BLOCK = 64
"""Weights that share one scale in 4 bits, as QLoRA has it."""
SENSITIVE = DEFAULT_SKIP_MODULES_PATTERN
"""Names of layers that rounding shows at once: where things enter and leave, and norms."""


class Int8Linear(nn.Module):
    """Each row by its largest weight: `W ≈ s·q`, q in -127..127 (Jacob et al. 2018, arXiv:1712.05877, symmetric)."""

    weight: Tensor
    scale: Tensor

    def __init__(self, source: nn.Linear) -> None:
        super().__init__()
        weight = source.weight.detach().float()
        scale = (weight.abs().amax(1, keepdim=True) / 127.0).clamp_min(torch.finfo(torch.float32).tiny)
        self.register_buffer("weight", (weight / scale).round().to(torch.int8))
        self.register_buffer("scale", scale[:, 0].to(source.weight.dtype))
        self.bias = source.bias
        self.in_features, self.out_features = source.in_features, source.out_features

    def forward(self, input: Tensor) -> Tensor:
        made = linear(input, self.weight.to(input.dtype)) * self.scale.to(input.dtype)
        return made if self.bias is None else made + self.bias.to(input.dtype)


class Nf4Linear(nn.Module):
    """Blocks of 64 weights by their largest, each as one of 16 levels that a normal distribution fills evenly.

    NormalFloat of 4 bits (Dettmers et al. 2023, arXiv:2305.14314, section 3), two in a byte.
    """

    packed: Tensor
    scale: Tensor
    levels: Tensor
    weight = None
    """Some networks look at the number format of a layer's weight; there is none to look at."""

    def __init__(self, source: nn.Linear) -> None:
        super().__init__()
        flat = source.weight.detach().float().flatten()
        blocks = pad(flat, (0, -flat.numel() % BLOCK)).view(-1, BLOCK)
        scale = blocks.abs().amax(1, keepdim=True).clamp_min(torch.finfo(torch.float32).tiny)
        levels = normal_float_levels().to(blocks.device)
        nearest = torch.bucketize(blocks / scale, (levels[1:] + levels[:-1]) / 2).to(torch.uint8)
        self.register_buffer("packed", nearest[:, ::2] << 4 | nearest[:, 1::2])
        self.register_buffer("scale", scale.to(source.weight.dtype))
        self.register_buffer("levels", levels.to(source.weight.dtype))
        self.bias = source.bias
        self.in_features, self.out_features = source.in_features, source.out_features

    def forward(self, input: Tensor) -> Tensor:
        found = torch.stack([self.packed >> 4, self.packed & 15], 2).flatten(1).int()
        values = (self.levels[found] * self.scale).flatten()[: self.in_features * self.out_features]
        weight = values.view(self.out_features, self.in_features).to(input.dtype)
        return linear(input, weight, None if self.bias is None else self.bias.to(input.dtype))


def normal_float_levels() -> Tensor:
    """The 16 levels of NF4 in -1..1: evenly filled quantiles of the normal distribution, eight above 0, 0 itself."""
    most = 1 - 0.5 * (1 / 32 + 1 / 30)
    above = torch.special.ndtri(torch.linspace(most, 0.5, 9, dtype=torch.float64)[:-1])
    below = -torch.special.ndtri(torch.linspace(most, 0.5, 8, dtype=torch.float64)[:-1])
    levels = torch.cat([below, torch.zeros(1, dtype=torch.float64), above.flip(0)])
    return (levels / levels.max()).float()


HELD = (Int8Linear, Nf4Linear)
HOLDERS: Mapping[str, Callable[[nn.Linear], nn.Module]] = {"int8": Int8Linear, "nf4": Nf4Linear}
BITS: Mapping[str, float] = {"float8": 8, "int8": 8, "nf4": 4 + 16 / BLOCK}
"""Of a weight, by how it is held; of NF4 with its share of a scale in bfloat16."""


def hold_linears(network: nn.Module, weights: str) -> None:
    """Put the linear layers of `network` into the form `weights`, but those that do not bear it, by their names."""
    patterns = [*SENSITIVE, *(getattr(network, "_skip_layerwise_casting_patterns", None) or ())]
    for name, layer in list(network.named_modules()):
        if type(layer) is nn.Linear and not any(re.search(pattern, name) for pattern in patterns):
            network.set_submodule(name, HOLDERS[weights](layer), strict=True)
