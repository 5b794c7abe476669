"""Renders of the tiny model, straight through a recipe; and a store that counts what was made."""

from collections.abc import Iterator

import numpy as np
import torch

from vidgen.pipelines import Residency
from vidgen.pipelines.factory import pipeline_for
from vidgen.runtime.chunks import MemoryChunkStore
from vidgen.runtime.context import RunContext
from vidgen.spec import resolve


class CountingStore(MemoryChunkStore):
    """Remembers which chunks were made, and may fail at one of them as a power cut would."""

    def __init__(self) -> None:
        super().__init__()
        self.made: list[int] = []
        self.seeds: dict[int, int] = {}
        self.fail_after: int | None = None

    def commit(self, n, fingerprint, tensors, *, seed, about=None) -> None:
        super().commit(n, fingerprint, tensors, seed=seed, about=about)
        self.made.append(n)
        self.seeds[n] = seed
        if n == self.fail_after:
            raise RuntimeError("the power went")


def frames_of(residency: Residency, spec, **context) -> np.ndarray:
    return np.concatenate(list(stream_of(residency, spec, **context)))


def stream_of(residency: Residency, spec, **context) -> Iterator[np.ndarray]:
    source_seconds = context.pop("source_seconds", None)
    spec = resolve(spec, residency.registry.get("tiny").rules, source_seconds=source_seconds)
    with torch.inference_mode():
        yield from pipeline_for(spec.task, residency.model("tiny"))(spec, RunContext(**context))
