"""The one context a pipeline receives beside its spec: where its media lie, whom to tell, when to stop."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from vidgen.errors import Cancelled
from vidgen.spec import Progress


def _ignore(progress: Progress) -> None:
    """Nobody listens."""


def _never() -> bool:
    return False


@dataclass(frozen=True, slots=True)
class RunContext:
    """`media` maps `MediaRef.key` to a local, normalised file. `report` takes progress; `cancelled` is asked often."""

    media: Mapping[str, Path] = field(default_factory=dict)
    report: Callable[[Progress], None] = _ignore
    cancelled: Callable[[], bool] = _never

    def checkpoint(self) -> None:
        """Raise Cancelled when the job was cancelled; called at every denoising step and every decoded group."""
        if self.cancelled():
            raise Cancelled("the job was cancelled")
