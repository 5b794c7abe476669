"""A model lies on its device only while it is used."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from vidgen.errors import OutOfMemory

Network = TypeVar("Network", bound=nn.Module)


@contextmanager
def on_device(network: Network, device: torch.device) -> Iterator[Network]:
    """Move `network` to `device` for the block, and back to where it lay; free when it is there already.

    Raises OutOfMemory in place of torch's own error, so that a job can be retried at a lower memory tier.
    """
    home = next(network.parameters()).device
    kept = _tensors(network) if home != device else []
    try:
        yield network.to(device) if home != device else network
    except torch.OutOfMemoryError as error:
        raise OutOfMemory(f"{type(network).__name__} did not fit on {device}: ask for fewer frames") from error
    finally:
        # weights do not change while a model runs, so going home is pointing at the old copy, which others may share
        for table, name, tensor, data in kept:
            tensor.data, table[name] = data, tensor
        if kept:
            torch.cuda.empty_cache()


def _tensors(network: nn.Module) -> list[tuple[dict[str, Any], str, Tensor, Tensor]]:
    """Every parameter and buffer: the table that holds it, its name there, itself and its data."""
    return [
        (table, name, tensor, tensor.data)
        for module in network.modules()
        for table in (module._parameters, module._buffers)
        for name, tensor in table.items()
        if tensor is not None
    ]
