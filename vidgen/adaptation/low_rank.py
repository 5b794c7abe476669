"""Low-rank layers beside frozen ones (LoRA, Hu et al. 2021, arXiv:2106.09685): `y = W·x + B·A·x`."""

import re
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

TARGETS = re.compile(r"blocks\.\d+\.(attn\d\.to_(q|k|v|out\.0)|ffn\.net\.(0\.proj|2))")
"""Attention and feed-forward of every block."""
NETWORK = "transformer."


class LowRank(nn.Module):
    """A frozen linear layer and what is learned beside it; at first it changes nothing, as B is zero."""

    def __init__(self, linear: nn.Linear, rank: int, generator: torch.Generator) -> None:
        super().__init__()
        self.linear = linear
        down = torch.randn(rank, linear.in_features, generator=generator) / rank
        self.down = nn.Parameter(down.to(linear.weight.device))
        self.up = nn.Parameter(torch.zeros(linear.out_features, rank, device=linear.weight.device))

    def forward(self, x: Tensor) -> Tensor:
        added = nn.functional.linear(nn.functional.linear(x.float(), self.down), self.up)
        made: Tensor = self.linear(x) + added.to(x.dtype)
        return made


def attach(network: nn.Module, rank: int, seed: int) -> dict[str, LowRank]:
    """Put a low-rank layer beside every target of a network; by name."""
    generator, layers = torch.Generator().manual_seed(seed), {}
    found = {name: layer for name, layer in network.named_modules() if isinstance(layer, nn.Linear)}
    for name, linear in found.items():
        if TARGETS.fullmatch(name):
            layers[name] = LowRank(linear, rank, generator)
            _put(network, name, layers[name])
    return layers


def detach(network: nn.Module, layers: Mapping[str, LowRank]) -> None:
    """The network as it was."""
    for name, layer in layers.items():
        _put(network, name, layer.linear)


def parameters_of(layers: Mapping[str, LowRank]) -> list[nn.Parameter]:
    return [parameter for layer in layers.values() for parameter in (layer.down, layer.up)]


def write_lora(file: Path, layers: Mapping[str, LowRank], about: Mapping[str, str]) -> None:
    """In diffusers' layout, as `vidgen models add-lora` and other programs read it."""
    weights = {}
    for name, layer in layers.items():
        weights[f"{NETWORK}{name}.lora_A.weight"] = layer.down.detach().cpu().contiguous()
        weights[f"{NETWORK}{name}.lora_B.weight"] = layer.up.detach().cpu().contiguous()
    half = file.with_name(f"{file.name}.half")
    save_file(weights, half, metadata={"format": "pt", **about})
    half.replace(file)


def _put(network: nn.Module, name: str, layer: nn.Module) -> None:
    parent, _, child = name.rpartition(".")
    network.get_submodule(parent).add_module(child, layer)
