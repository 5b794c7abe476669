"""The one context a pipeline receives beside its spec: its media, its finished pieces, whom to tell, when to stop."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vidgen.errors import Cancelled
from vidgen.runtime.chunks import ChunkStore, MemoryChunkStore
from vidgen.runtime.control_drawer import Drawers
from vidgen.runtime.verdict import Verdict
from vidgen.runtime.waveform import Waveform
from vidgen.spec import MemoryTier, Progress


def _ignore(progress: Progress) -> None:
    """Nobody listens."""


def _never() -> bool:
    return False


def _unread(section: str, entry: Mapping[str, Any]) -> None:
    """Nobody keeps the receipt."""


def _unheard(repair: Mapping[str, Any]) -> None:
    """Nobody watches the joints."""


@dataclass(frozen=True, slots=True)
class RunContext:
    """`media` maps `MediaRef.key` to a local, normalised file. `report` takes progress; `cancelled` is asked often.

    `chunks` keeps the finished pieces of a long clip. `stop_requested` is asked after each of them: when it is true,
    the clip ends there and what was made is delivered. `memory_tier` says how sparing the run must be.
    `lender` is the folder of chunks of the job that this one is made from, where there is one.
    `note` adds an entry (JSON) to a section of the receipt. `on_sound` takes the sound that a model makes for its
    pictures, before the first of them comes. `repairing` is told at once
    of a joint that shows, and of every attempt at it (JSON). `drawers` draw controls that take a network.
    `on_verdict` takes what the model says of the clip's regions when it is made; None: nobody asks it.
    """

    media: Mapping[str, Path] = field(default_factory=dict)
    report: Callable[[Progress], None] = _ignore
    cancelled: Callable[[], bool] = _never
    chunks: ChunkStore = field(default_factory=MemoryChunkStore)
    stop_requested: Callable[[], bool] = _never
    memory_tier: MemoryTier = MemoryTier.FULL
    lender: Path | None = None
    note: Callable[[str, Mapping[str, Any]], None] = _unread
    on_sound: Callable[[Waveform], None] | None = None
    repairing: Callable[[Mapping[str, Any]], None] = _unheard
    on_verdict: Callable[[Verdict], None] | None = None
    drawers: Drawers = field(default_factory=dict)

    def checkpoint(self) -> None:
        """Raise Cancelled when the job was cancelled; called at every denoising step and every decoded group."""
        if self.cancelled():
            raise Cancelled("the job was cancelled")
