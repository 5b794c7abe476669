"""How a recipe keeps its place: model, optimiser and time spent, written in one piece, so that a killed run loses
minutes."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

import torch
from torch import nn


@dataclass(slots=True)
class Clock:
    """Steps taken and seconds spent of a run that was given `budget` seconds, over all its restarts."""

    budget: float
    step: int = 0
    spent: float = 0.0

    @property
    def progress(self) -> float:
        return min(1.0, self.spent / self.budget)

    @contextmanager
    def counting(self) -> Iterator[None]:
        begin = monotonic()
        yield
        self.spent += monotonic() - begin
        self.step += 1

    def cosine(self, warmup: int, floor: float = 0.0) -> float:
        """Factor of the learning rate: up over `warmup` steps, then a half cosine of the time down to `floor`."""
        falling = 0.5 * (1 + math.cos(math.pi * self.progress))
        return min(1.0, (self.step + 1) / warmup) * (floor + (1 - floor) * falling)


def save(path: Path, clock: Clock, model: nn.Module, optimiser: torch.optim.Optimizer, **more: Any) -> None:
    state = {"model": model.state_dict(), "optimiser": optimiser.state_dict(), "step": clock.step, "spent": clock.spent}
    torch.save({**state, **more}, path.with_suffix(".tmp"))
    path.with_suffix(".tmp").rename(path)


def restore(path: Path, clock: Clock, model: nn.Module, optimiser: torch.optim.Optimizer) -> dict[str, Any] | None:
    """Loads `path` into all three and returns the whole state; None when there is nothing to resume.

    What is loaded lies on the CPU; model and optimiser copy it to their own device.
    """
    if not path.exists():
        return None
    state: dict[str, Any] = torch.load(path, weights_only=True, map_location="cpu")
    model.load_state_dict(state["model"])
    optimiser.load_state_dict(state["optimiser"])
    clock.step, clock.spent = state["step"], state["spent"]
    return state


class Every:
    """True once every `seconds`."""

    def __init__(self, seconds: float) -> None:
        self.seconds, self.last = seconds, monotonic()

    def __call__(self) -> bool:
        due = monotonic() - self.last > self.seconds
        if due:
            self.last = monotonic()
        return due
