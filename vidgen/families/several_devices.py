"""One network over several devices: each process has a device and a share of the tokens (context parallelism).

Ulysses attention (Jacobs et al. 2023, arXiv:2309.14509) as diffusers has it: heads are exchanged for tokens around each
attention, so that every process ends with the whole prediction. All processes make the same clip from the same seed.
"""

import os
from typing import Any

import torch
from diffusers import ContextParallelConfig
from torch import distributed

from vidgen.errors import ModelError
from vidgen.runtime.processes import process_count


def join(devices: int, device: torch.device) -> None:
    """Have this process be one of as many as there are to be devices. Raises ModelError where there are not so many."""
    if devices == 1:
        return
    there = process_count()
    if there != devices:
        raise ModelError(
            f"running.devices={devices}: this process is one of {there}; start vidgen render with "
            f"`torchrun --no-python --nproc-per-node {devices}`, or take 1, as workers do"
        )
    if device.type == "cuda":
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    if not distributed.is_initialized():
        distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")


def spread(devices: int, networks: Any) -> None:
    """Give each process its share of the tokens. Raises ModelError for a network that cannot be parted so."""
    for network in networks if devices > 1 else ():
        kind, heads = type(network).__name__, int(network.config.get("num_attention_heads", devices))
        if getattr(network, "_cp_plan", None) is None:
            raise ModelError(f"running.devices={devices}: {kind} cannot be spread over devices; take 1")
        if heads % devices:
            raise ModelError(f"running.devices={devices}: {kind} has {heads} heads, which so many cannot share evenly")
        network.enable_parallelism(config=ContextParallelConfig(ulysses_degree=devices))
