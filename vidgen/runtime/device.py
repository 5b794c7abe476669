"""Where a model runs and in which number format."""

import os

import torch


def default_device() -> torch.device:
    """The first CUDA device when there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def default_dtype(device: torch.device) -> torch.dtype:
    """bfloat16 on GPUs; float32 on CPUs, where bfloat16 without native support is five times slower."""
    return torch.bfloat16 if device.type == "cuda" else torch.float32


def use_physical_cores() -> int:
    """Let torch use every core this process may run on; returns their number."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    torch.set_num_threads(cores)
    return cores
