"""What a diffusers scheduler remembers between its steps, as plain tensors, so that another one can go on in its place.

Multistep samplers keep earlier predictions; a run that goes on without them ends in other numbers.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

SAMPLE_DIMENSIONS = 4
"""From here on a tensor is a sample or a prediction; smaller ones are tables that every fresh scheduler has."""


def remembered(scheduler: Any) -> dict[str, Tensor]:
    """Samples, predictions and counters, by name; `name.n` is item n of a list. Numbers have no dimension."""
    return {name: torch.as_tensor(part) for name, part in _parts(scheduler) if _is_kept(part)}


def restore(scheduler: Any, state: Mapping[str, Tensor], device: torch.device) -> None:
    """Give a scheduler that was set to the same steps what another one `remembered`."""
    for key, kept in state.items():
        name, _, place = key.partition(".")
        value = int(kept) if kept.ndim == 0 else kept.to(device)
        if place:
            getattr(scheduler, name)[int(place)] = value
        else:
            setattr(scheduler, name, value)


def _parts(scheduler: Any) -> Iterator[tuple[str, Any]]:
    for name, value in vars(scheduler).items():
        if isinstance(value, list):
            yield from ((f"{name}.{n}", part) for n, part in enumerate(value))
        else:
            yield name, value


def _is_kept(value: Any) -> bool:
    if isinstance(value, Tensor):
        return value.ndim >= SAMPLE_DIMENSIONS or (value.ndim == 0 and not value.is_floating_point())
    return isinstance(value, int) and not isinstance(value, bool)
