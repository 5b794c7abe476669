"""Where a recipe computes, and in which half precision; the only place of the recipes that knows about devices.

A recipe moves its networks and batches to what `chosen` gives. Whatever pays on one kind of device alone asks here.
"""

from __future__ import annotations

import torch
from torch import Tensor

CPU = torch.device("cpu")
MEMORY_FOR_DATA = 0.25
"""Of a device's free memory, what a data set may take; activations need the rest."""


class NoDevice(RuntimeError):
    """The preset asks for a device that this machine, or this build of torch, does not have."""


def chosen(preset: str, wanted: str, asked: str | None = None) -> torch.device:
    """The device that `asked` names, or else the one that the preset called `preset` wants.

    Raises NoDevice where it is CUDA and there is none; what to do instead is in the message.
    """
    device = torch.device(asked or wanted)
    if device.type == "cuda" and not torch.cuda.is_available():
        build = "this build of torch has no CUDA" if torch.version.cuda is None else "torch finds no CUDA device"
        raise NoDevice(
            f"device={device}: {build}, and PRESET={preset} is made for one GPU. Run it on a machine with an NVIDIA "
            "GPU and torch's CUDA build (make install TORCH_OPTIONS=…), take PRESET=cpu, or say DEVICE=cpu "
            "(--device cpu) to run it here all the same, which would take weeks to learn as much."
        )
    return device


def best() -> torch.device:
    """CUDA where there is any: for what only measures, and is slow without."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def prepare(device: torch.device) -> None:
    """What a process sets once before it computes there."""
    if device.type == "cuda":
        torch.set_float32_matmul_precision("high")  # what is left in single precision goes through TF32
        torch.backends.cudnn.benchmark = True
    else:
        torch.set_flush_denormal(True)


def shared_out(device: torch.device, processes: int) -> tuple[int, int]:
    """How many of `processes` train, and how many draw for them: one trains on a GPU, and on a CPU each draws for
    itself."""
    return (1, processes) if device.type == "cuda" else (processes, 0)


def half_precision(device: torch.device) -> torch.autocast:
    """Matrix products in bfloat16, whatever loses by it in single precision."""
    return torch.autocast(device.type, torch.bfloat16)


def home_of(tensors: int, device: torch.device) -> torch.device:
    """Where a data set of so many bytes lies: on the device where it fits beside the training, else on the CPU."""
    if device.type != "cuda":
        return device
    free, _ = torch.cuda.mem_get_info(device)
    return device if tensors < MEMORY_FOR_DATA * free else torch.device("cpu")


def kept(tensor: Tensor, home: torch.device, device: torch.device) -> Tensor:
    """`tensor` at its home; on the CPU in pages that a GPU can fetch from without waiting."""
    moved = tensor.to(home)
    return moved.pin_memory() if device.type == "cuda" and home.type == "cpu" else moved
