"""Makes the chunks of a clip in order, and again where a joint shows; of all attempts the best one stays.

Each way is dearer than the one before: matching colours costs a decoding, blending over a wider overlap and another
seed cost a chunk. What is tried is a function of committed chunks, so a run that died goes on with the same attempts.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache, partial
from itertools import count
from typing import Any, Protocol

from torch import Tensor

from vidgen.longvideo.chunk import Chunk
from vidgen.longvideo.gate import LOOKED_BACK, Measured, RunUp, SeamGate
from vidgen.longvideo.order import Order
from vidgen.longvideo.planner import GROUP, Window
from vidgen.longvideo.repair import attempt_number, colour_matched, derived_seed, wider
from vidgen.quality.seams import COLOURS, JointReport, Series
from vidgen.runtime.context import RunContext
from vidgen.stages.model import Decoder

VAIN = 2
"""After so many joints in a row that no attempt could repair no chunk is made again, until a joint passes by itself: a
model that cannot do better would cost several times the clip."""

MATCHES_IN_VAIN = 2
"""After so many matches of colours in a row that made nothing better the clip's other joints are not tried with them:
what steps there is another thing than light."""

FIRST, MATCH, BLEND, REROLL = "first", "colour match", "wider blend", "reroll"


@dataclass(frozen=True, slots=True)
class Way:
    """How an attempt comes about: which kind, under which number, and what it is made from unless it is `ready`.

    `measure` decodes its latents and tells their seams.
    """

    kind: str
    number: int
    order: Order
    measure: Callable[[Tensor], Measured]
    ready: Callable[[], Tensor] | None = None


class Commit(Protocol):
    """The chunk of a way with its measured series, made now unless it lies in the store."""

    def __call__(self, way: Way) -> tuple[Chunk, Series]: ...


@dataclass(frozen=True, slots=True, eq=False)
class Attempt:
    """A chunk that could stay. `verdict` is None where nothing is joined."""

    way: Way
    chunk: Chunk
    series: Series
    verdict: JointReport | None

    @property
    def score(self) -> float:
        return 0.0 if self.verdict is None else self.verdict.score

    @property
    def failed(self) -> tuple[str, ...]:
        return () if self.verdict is None else self.verdict.failed

    @property
    def facts(self) -> dict[str, Any]:
        """For those who watch, and for the receipt."""
        return {
            "chunk": self.chunk.window.n,
            "attempt": self.way.kind,
            "number": self.way.number,
            "seed": self.way.order.seed,
            "score": round(self.score, 4),
            "failed": list(self.failed),
        }


@dataclass(frozen=True, slots=True)
class Place:
    """Where a chunk is to lie: what makes the order of a window there, and the chunk before it, if it goes on from one.

    `earlier` gives so many latents that lie before a position of the stream, or as many as there are; None: none.
    """

    order_of: Callable[[Window], Order]
    before: Chunk | None
    earlier: Callable[[int, int], Tensor | None]


class Mender:
    """`latents` gives a chunk's own, `commit` makes chunks; `rerolls` is how many other seeds a chunk may try."""

    def __init__(
        self,
        model: Decoder,
        ctx: RunContext,
        gate: SeamGate,
        commit: Commit,
        latents: Callable[[Chunk], Tensor],
        *,
        rerolls: int,
        longest: int,
        group: int = GROUP,
    ) -> None:
        self._model, self._ctx, self._gate, self._commit, self._latents = model, ctx, gate, commit, latents
        self._rerolls, self._longest, self._group = rerolls, longest, group
        self._in_vain = self._matched_in_vain = 0

    def joined(self, window: Window, place: Place, *, fixed: bool) -> Chunk:
        """The best chunk of `window`. `fixed`: somebody chose it, it stays."""
        tried: list[Attempt] = []
        for attempt in self._attempts(window, place):
            tried.append(attempt)
            if attempt.failed or len(tried) > 1:
                self._ctx.repairing(attempt.facts)
            if fixed or not attempt.failed:
                break
        best = min(tried, key=lambda it: it.score)
        self._in_vain = self._in_vain + 1 if best.failed else 0
        self._gate.accept(best.chunk.window, best.series)
        for attempt in tried if len(tried) > 1 else ():
            self._note(attempt, kept=attempt is best)
        return best.chunk

    def _attempts(self, window: Window, place: Place) -> Iterator[Attempt]:
        attempts, run_up = count(), cache(partial(self._run_up, place))
        for kind, order in self._orders(window, place):
            number = attempt_number(window.n, next(attempts))
            made = self._attempt(Way(kind, number, order, partial(self._measure, run_up, order.window)))
            yield made
            if COLOURS & set(made.failed) and self._matched_in_vain < MATCHES_IN_VAIN:
                number = attempt_number(window.n, next(attempts))
                matched = self._attempt(replace(made.way, kind=MATCH, number=number, ready=self._matched(made.chunk)))
                self._matched_in_vain = 0 if matched.score < made.score else self._matched_in_vain + 1
                yield matched

    def _orders(self, window: Window, place: Place) -> Iterator[tuple[str, Order]]:
        order = place.order_of(window)
        yield FIRST, order
        if self._in_vain >= VAIN:
            return
        wide = None if place.before is None else wider(window, place.before.window, self._longest)
        if wide is not None:
            yield BLEND, place.order_of(wide)
        for reroll in range(1, self._rerolls + 1):
            yield REROLL, replace(order, seed=derived_seed(order.seed, window.n, reroll))

    def _attempt(self, way: Way) -> Attempt:
        chunk, series = self._commit(way)
        return Attempt(way, chunk, series, self._gate.verdict(chunk.window, series))

    @staticmethod
    def _measure(run_up: Callable[[Window], RunUp], window: Window, latents: Tensor) -> Measured:
        return run_up(window).measured(latents)

    def _run_up(self, place: Place, window: Window) -> RunUp:
        """What lies before the window in its stream."""
        before = place.earlier(window.start, LOOKED_BACK) if window.head else None
        return RunUp(self._model, before, self._ctx, self._group)

    def _matched(self, chunk: Chunk) -> Callable[[], Tensor]:
        return lambda: colour_matched(self._latents(chunk), chunk.window.head)

    def _note(self, attempt: Attempt, *, kept: bool) -> None:
        """Every attempt at a chunk that needed more than one is told in the receipt."""
        self._ctx.note("repairs", attempt.facts | {"kept": kept})
