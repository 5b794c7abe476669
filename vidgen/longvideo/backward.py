"""Chunks that lead up to what is there, as in a clip that is extended backward: made again while their joint shows."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor

from vidgen.longvideo.chunk import Chunk
from vidgen.longvideo.gate import joint_ahead
from vidgen.longvideo.mender import FIRST, REROLL
from vidgen.longvideo.order import Order
from vidgen.longvideo.planner import Window
from vidgen.longvideo.repair import attempt_number, derived_seed
from vidgen.quality.seams import JointReport
from vidgen.runtime.context import RunContext
from vidgen.stages.model import Decoder


@dataclass(frozen=True, slots=True)
class Led:
    """An attempt, and what its joint with the later chunk looks like."""

    chunk: Chunk
    kind: str
    report: JointReport

    @property
    def facts(self) -> dict[str, Any]:
        """For those who watch, and for the receipt."""
        return {
            "chunk": self.chunk.window.n,
            "attempt": self.kind,
            "number": self.chunk.number,
            "seed": self.chunk.seed,
            "score": round(self.report.score, 4),
            "failed": list(self.report.failed),
        }


class LeadingUp:
    """`commit` gives a chunk by its number and order, made now unless it was; `latents` gives a chunk's own.

    `opens` tells windows whose prompt is another than that of what follows.
    """

    def __init__(
        self,
        model: Decoder,
        ctx: RunContext,
        commit: Callable[[int, Order], Chunk],
        latents: Callable[[Chunk], Tensor],
        group: int,
        *,
        opens: Callable[[Window], bool],
        blended: bool = True,
    ) -> None:
        self._model, self._ctx, self._commit, self._latents = model, ctx, commit, latents
        self._group, self._blended, self._opens = group, blended, opens

    def best(self, order: Order, ahead: Tensor, *, rerolls: int) -> Chunk:
        """The chunk with the best joint of those tried; `ahead` are latents that follow the window."""
        tried: list[Led] = []
        for reroll in range(rerolls + 1):
            tried.append(self._attempt(order, ahead, reroll))
            if tried[-1].report.failed or reroll:
                self._ctx.repairing(tried[-1].facts)
            if not tried[-1].report.failed:
                break
        best = min(tried, key=lambda it: it.report.score)
        for attempt in tried if len(tried) > 1 else ():
            self._ctx.note("repairs", attempt.facts | {"kept": attempt is best})
        return best.chunk

    def _attempt(self, order: Order, ahead: Tensor, reroll: int) -> Led:
        window = order.window
        seed = derived_seed(order.seed, window.n, reroll) if reroll else order.seed
        chunk = self._commit(attempt_number(window.n, reroll), replace(order, seed=seed))
        latents = self._latents(chunk)
        joined = {"blended": self._blended, "opens": self._opens(window), "held": self._blended and order.tail is None}
        report = joint_ahead(self._model, window, latents, ahead, self._ctx, self._group, **joined)
        return Led(chunk, REROLL if reroll else FIRST, report)
