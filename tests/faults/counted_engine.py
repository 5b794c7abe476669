"""The real engine for the runner of these tests, watched: every chunk it begins is a file, and it can be held midway.

The watching is done through the run context alone; nothing of the engine is replaced. `CHUNK_LEDGER` names a folder:
each computation leaves `<job>/<chunk>-<random>` in it. A place is a phase (`3` while chunk 3 is made, `after 3` once it
is committed) and how often the engine has looked for a cancel in it; all that a job passes are lines of
`<job>.places`. While the folder holds a file `hold` with a place, the engine stops there, says so by the file `held`,
and stays until it is killed.
"""

import os
import secrets
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import Tensor

from vidgen.pipelines import RenderResult, Residency
from vidgen.pipelines import render as real_render
from vidgen.runtime.chunks import NOTHING, ChunkStore
from vidgen.runtime.context import RunContext
from vidgen.spec import JobSpec

__all__ = ["Residency", "render"]

LEDGER_VARIABLE = "CHUNK_LEDGER"


def render(spec: JobSpec, ctx: RunContext, out_dir: Path, residency: Residency) -> RenderResult:
    folder = Path(os.environ[LEDGER_VARIABLE])
    made = folder / out_dir.name.rpartition("-")[0]
    made.mkdir(exist_ok=True)
    watched = Watched(ctx.chunks, made, folder)

    def cancelled() -> bool:
        watched.looked()
        return ctx.cancelled()

    return real_render(spec, replace(ctx, chunks=watched, cancelled=cancelled), out_dir, residency)


class Watched:
    """A chunk store: who looks for a chunk and finds none begins to make it."""

    def __init__(self, store: ChunkStore, made: Path, folder: Path) -> None:
        self._store, self._made, self._folder = store, made, folder
        self._phase, self._looks = "before", 0

    def load(self, n: int, fingerprint: str) -> dict[str, Tensor] | None:
        found = self._store.load(n, fingerprint)
        if found is None:
            self._enter(str(n))
            (self._made / f"{n}-{secrets.token_hex(4)}").touch()
        return found

    def commit(
        self,
        n: int,
        fingerprint: str,
        tensors: Mapping[str, Tensor],
        *,
        seed: int,
        about: Mapping[str, Any] = NOTHING,
    ) -> None:
        self._store.commit(n, fingerprint, tensors, seed=seed, about=about)
        self._enter(f"after {n}")

    def seal(self, contents: Mapping[str, Any]) -> None:
        self._store.seal(contents)

    def show(self, n: int, jpeg: bytes) -> None:
        self._store.show(n, jpeg)

    def looked(self) -> None:
        self._looks += 1
        place = f"{self._phase}/{self._looks}"
        with self._made.with_suffix(".places").open("a") as passed:
            passed.write(f"{place}\n")
        hold = self._folder / "hold"
        if hold.exists() and hold.read_text() == place:
            (self._folder / "held").touch()
            while True:
                time.sleep(1)

    def _enter(self, phase: str) -> None:
        self._phase, self._looks = phase, 0
