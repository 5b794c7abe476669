"""What a chunk was made from, as one hash: the same hash means the same latents."""

import hashlib
import json
from typing import Any

from torch import Tensor

VERSION = 1
"""Raised when the way chunks are made changes, so that old ones are made again."""


def fingerprint(**parts: Any) -> str:
    """sha256 of the named values, which must be JSON."""
    return hashlib.sha256(json.dumps({"version": VERSION, **parts}, sort_keys=True).encode()).hexdigest()


def content_hash(tensor: Tensor) -> str:
    """sha256 of a tensor's shape and values."""
    plain = tensor.detach().cpu().contiguous()
    return hashlib.sha256(str(tuple(plain.shape)).encode() + plain.numpy().tobytes()).hexdigest()
