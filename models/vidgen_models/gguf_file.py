"""Weights in a GGUF file, each tensor in blocks of few bits (ggml's format; its blocks as diffusers reads them).

A file is data alone: names, shapes, blocks. Linear layers hold the blocks and unpack them whenever they compute; every
other tensor is unpacked when it is read.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from diffusers.quantizers.gguf.utils import (
    SUPPORTED_GGUF_QUANT_TYPES,
    GGUFParameter,
    _replace_with_gguf_linear,
    dequantize_gguf_tensor,
)
from gguf import GGMLQuantizationType, GGUFReader
from torch import Tensor, nn

from vidgen.errors import ModelError

PLAIN = frozenset({GGMLQuantizationType.F32, GGMLQuantizationType.F16})
ORIGINAL_SHAPE = "comfy.gguf.orig_shape."
"""Under this name some converters write the shape of a tensor that had more dimensions than they could store."""


def shapes_in(file: Path) -> dict[str, tuple[int, ...]]:
    """The shape of every tensor once it is unpacked."""
    reader = _reader(file)
    return {tensor.name: _shape(reader, tensor) for tensor in reader.tensors}


def bytes_in(file: Path) -> dict[str, int]:
    """How many bytes every tensor takes as it lies in the file."""
    return {tensor.name: int(tensor.n_bytes) for tensor in _reader(file).tensors}


def tensors_in(file: Path) -> dict[str, Tensor]:
    """Every tensor, packed ones as parameters of diffusers' kind. Raises ModelError for blocks that are not known."""
    reader, found = _reader(file), dict[str, Tensor]()
    for tensor in reader.tensors:
        if tensor.tensor_type not in (PLAIN | set(SUPPORTED_GGUF_QUANT_TYPES)):
            known = ", ".join(sorted(kind.name for kind in SUPPORTED_GGUF_QUANT_TYPES))
            raise ModelError(f"{file.name}: {tensor.name} is in {tensor.tensor_type.name}; those read are {known}")
        values = torch.from_numpy(tensor.data.copy())
        if tensor.tensor_type in PLAIN:
            found[tensor.name] = values.reshape(_shape(reader, tensor))
        else:
            found[tensor.name] = GGUFParameter(values, quant_type=tensor.tensor_type)
    return found


def fill(network: nn.Module, tensors: Mapping[str, Tensor], dtype: torch.dtype, kept: frozenset[str]) -> nn.Module:
    """Give a network without weights those of a file: its linear layers packed, the rest in `dtype`.

    What is named in `kept` stays in float32.
    """
    _replace_with_gguf_linear(network, dtype, dict(tensors))
    packed = {f"{name}.weight" for name, layer in network.named_modules() if type(layer).__name__ == "GGUFLinear"}
    state: dict[str, Any] = {}
    for name, tensor in tensors.items():
        if name in packed and isinstance(tensor, GGUFParameter):
            state[name] = tensor
        else:
            wanted = torch.float32 if kept & set(name.split(".")) else dtype
            state[name] = dequantize_gguf_tensor(tensor).to(wanted)
    network.load_state_dict({name: it for name, it in state.items() if name not in packed}, assign=True, strict=False)
    for name in packed & state.keys():
        network.get_submodule(name.removesuffix(".weight")).weight = state[name]
    return network


def _reader(file: Path) -> Any:
    """Raises ModelError for a file that ends before its last tensor, or whose header says what cannot be."""
    try:
        return GGUFReader(file)
    except (ValueError, LookupError, OverflowError) as error:
        message = f"{file.name}: cut off or damaged; if its download was interrupted, download it again"
        raise ModelError(message) from error


def _shape(reader: Any, tensor: Any) -> tuple[int, ...]:
    told = reader.get_field(f"{ORIGINAL_SHAPE}{tensor.name}")
    if told is not None:
        return tuple(int(told.parts[part][0]) for part in told.data)
    return tuple(int(side) for side in reversed(tensor.shape))
