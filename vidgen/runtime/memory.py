"""A model lies on its device only while it is used."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

import torch
from torch import nn

from vidgen.errors import OutOfMemory

Network = TypeVar("Network", bound=nn.Module)


@contextmanager
def on_device(network: Network, device: torch.device) -> Iterator[Network]:
    """Move `network` to `device` for the block, and back to where it lay; free when it is there already.

    Raises OutOfMemory in place of torch's own error, so that a job can be retried at a lower memory tier.
    """
    home = next(network.parameters()).device
    try:
        yield network.to(device) if home != device else network
    except torch.OutOfMemoryError as error:
        raise OutOfMemory(f"{type(network).__name__} did not fit on {device}: ask for fewer frames") from error
    finally:
        if home != device:
            network.to(home)
            torch.cuda.empty_cache()
