"""How networks are run, as a manifest asks: what holds their weights, computes attention, compiles, moves and spreads.

None of it changes what a network says but by rounding. Raises ModelError for what this machine, or the network, cannot.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import torch
from diffusers.hooks import apply_group_offloading
from diffusers.models.attention_dispatch import AttentionBackendName, _check_attention_backend_requirements

from vidgen.errors import ModelError
from vidgen.families.several_devices import spread
from vidgen_models.nets.held_weights import HOLDERS, hold_linears
from vidgen_models.registry import Manifest, Running

BACKENDS: Mapping[str, str] = {
    "native": "native",
    "math": "_native_math",
    "efficient": "_native_efficient",
    "flash-native": "_native_flash",
    "cudnn": "_native_cudnn",
    "flex": "flex",
    "flash": "flash",
    "sage": "sage",
    "xformers": "xformers",
}
"""diffusers' names of what a manifest calls `attention`."""
ON_CUDA = frozenset({"efficient", "cudnn", "flex", "flash", "sage", "xformers"})


class Runnable(Protocol):
    """A model whose networks can be run otherwise than they were read."""

    device: torch.device

    def denoisers(self) -> Sequence[Any]:
        """The networks that are run at every step, each set of weights once."""
        ...

    def views(self) -> Sequence[Any]:
        """The same and what else runs on their weights."""
        ...

    def text_encoders(self) -> Sequence[Any]: ...


def run_as(manifest: Manifest, model: Runnable, dtype: torch.dtype) -> None:
    """Have the model run as its manifest says. `dtype` is what its networks compute in."""
    hold(manifest.weights, model, dtype)
    attend(manifest.running, model)
    spread(manifest.running.devices, model.views())
    if manifest.running.compile:
        compile_blocks(model)


def hold(weights: str, model: Runnable, dtype: torch.dtype) -> None:
    """Hold weights in fewer bits; the layers that are known not to bear it, such as norms, stay as they are."""
    if weights == "float8":
        for network in model.denoisers():
            network.enable_layerwise_casting(torch.float8_e4m3fn, compute_dtype=dtype)
    elif weights in HOLDERS:
        for network in (*model.denoisers(), *model.text_encoders()):
            hold_linears(network, weights)


def attend(running: Running, model: Runnable) -> None:
    """Have attention computed by the backend that is asked for. Raises ModelError where it is not to be had."""
    if running.attention == "native":
        return
    check_attention(running.attention, model.device.type)
    for network in model.views():
        if not any(hasattr(getattr(part, "processor", None), "_attention_backend") for part in network.modules()):
            raise ModelError(
                f"running.attention={running.attention}: {type(network).__name__} knows one way to attend; take native"
            )
        network.set_attention_backend(BACKENDS[running.attention])


def check_attention(name: str, device: str) -> None:
    """Raises ModelError naming the backends that this machine has for such a device."""
    if not _usable(name, device):
        there = ", ".join(attention_here(device))
        raise ModelError(f"running.attention={name}: not to be had here on {device}; there are {there}")


def attention_here(device: str) -> Sequence[str]:
    """What this machine has to compute attention on such a device."""
    return [name for name in BACKENDS if _usable(name, device)]


def _usable(name: str, device: str) -> bool:
    if device != "cuda" and name in ON_CUDA:
        return False
    try:
        _check_attention_backend_requirements(AttentionBackendName(BACKENDS[name]))
    except RuntimeError:
        return False
    return True


def compile_blocks(model: Runnable, **options: Any) -> None:
    """Compile the blocks that a network repeats, once for all of them, when they are first run."""
    for network in model.views():
        if not getattr(network, "_repeated_blocks", None):
            raise ModelError(f"running.compile: {type(network).__name__} names no blocks that repeat; leave it out")
        network.compile_repeated_blocks(**options)


def offload_layers(networks: Sequence[Any], device: torch.device) -> None:
    """Keep the networks in the machine's memory, and each layer on the device while it computes alone."""
    for network in networks:
        apply_group_offloading(
            network,
            onload_device=device,
            offload_device=torch.device("cpu"),
            offload_type="leaf_level",
            use_stream=device.type == "cuda",
            low_cpu_mem_usage=True,
        )
