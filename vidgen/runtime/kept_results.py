"""What was worked out before, kept by its content: a bounded memory of results."""

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from typing import Any, TypeVar

import torch
from torch import Tensor

Result = TypeVar("Result")
MOST_BYTES = 256 << 20


class KeptResults:
    """Results by key, up to `most_bytes`; those used longest ago go first. Each caller gets a copy of its own.

    Not for use by several threads.
    """

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most = most_bytes
        self._held: OrderedDict[str, tuple[Any, int]] = OrderedDict()

    def get(self, key: str, make: Callable[[], Result]) -> Result:
        """What was made under this key before, or is made now."""
        if key not in self._held:
            made = make()
            size = size_of(made)
            if size > self._most:
                return made
            self._held[key] = (made, size)
            while self.total_bytes > self._most:
                self._held.popitem(last=False)
        self._held.move_to_end(key)
        found: Result = deepcopy(self._held[key][0])
        return found

    @property
    def total_bytes(self) -> int:
        return sum(size for _, size in self._held.values())

    def __len__(self) -> int:
        return len(self._held)


def content_key(*parts: Any) -> str:
    """sha256 of tensors by their values, of anything else as it is written; both may lie in lists and tables."""
    digest = hashlib.sha256()
    for part in _flat(parts):
        digest.update(_bytes(part))
        digest.update(b"\0")
    return digest.hexdigest()


def size_of(result: Any) -> int:
    """Bytes of all tensors in a result, as far as they can be found."""
    if isinstance(result, Tensor):
        return result.nbytes
    if isinstance(result, Mapping):
        return sum(map(size_of, result.values()))
    if isinstance(result, list | tuple):
        return sum(map(size_of, result))
    return sum(map(size_of, vars(result).values())) if hasattr(result, "__dict__") else 0


def _flat(parts: Iterable[Any]) -> Iterable[Any]:
    for part in parts:
        if isinstance(part, Mapping):
            yield from _flat(part.items())
        elif isinstance(part, list | tuple):
            yield f"{type(part).__name__} of {len(part)}"
            yield from _flat(part)
        else:
            yield part


def _bytes(part: Any) -> bytes:
    if not isinstance(part, Tensor):
        return repr(part).encode()
    values = part.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes()
    return f"{part.dtype}{tuple(part.shape)}".encode() + values
