"""Decoding at once, and in tiles where the device's memory does not hold that."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor


def decoded(vae: Any, decode: Callable[[], Tensor]) -> Tensor:
    """What `decode` makes with `vae`; a second time in tiles that are faded into each other, when memory ran out.

    Tiles are not quite the whole picture, so they are the second choice. Raises torch.OutOfMemoryError when they do
    not fit either, or the autoencoder knows none.
    """
    try:
        return decode()
    except torch.OutOfMemoryError:
        if not hasattr(vae, "enable_tiling"):
            raise
    # outside of the handler, whose traceback would keep what the first try had made
    torch.cuda.empty_cache()
    vae.enable_tiling()
    try:
        return decode()
    finally:
        vae.disable_tiling()
