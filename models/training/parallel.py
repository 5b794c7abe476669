"""Data-parallel training on one machine: one process a core beats many threads in one process for networks this small.

`launch(main, processes)` starts copies of a recipe; inside, `Workers` is the only place where they meet.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Workers:
    """This process's `rank` among `count`."""

    rank: int = 0
    count: int = 1

    @property
    def leads(self) -> bool:
        return self.rank == 0

    @torch.no_grad()
    def average(self, parameters: Iterable[Tensor]) -> None:
        """Averages the gradients of `parameters` over all processes, in place."""
        if self.count == 1:
            return
        grads = [p.grad for p in parameters if p.grad is not None]
        flat = torch.cat([g.reshape(-1) for g in grads])
        dist.all_reduce(flat)
        for grad, total in zip(grads, flat.split([g.numel() for g in grads]), strict=True):
            grad.copy_(total.view(grad.shape) / self.count)

    def agree(self, value: float) -> float:
        """The same mean of `value` in every process: a run's clock must stop all of them after the same step."""
        if self.count == 1:
            return value
        shared = torch.tensor([value], dtype=torch.float64)
        dist.all_reduce(shared)
        return float(shared) / self.count


def launch(run: Callable[[Workers], None], count: int) -> None:
    """Calls `run` once in each of `count` processes that share the cores evenly."""
    if count == 1:
        run(Workers())
        return
    with tempfile.TemporaryDirectory() as folder:
        mp.spawn(_enter, (run, count, Path(folder) / "meeting"), nprocs=count)


def _enter(rank: int, run: Callable[[Workers], None], count: int, meeting: Path) -> None:
    torch.set_num_threads(max(1, (os.cpu_count() or 1) // count))
    torch.set_flush_denormal(True)
    dist.init_process_group("gloo", init_method=f"file://{meeting}", rank=rank, world_size=count)
    run(Workers(rank, count))
    dist.destroy_process_group()
