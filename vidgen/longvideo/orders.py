"""What each window is made from, given the script and the chunks that are there already."""

from collections.abc import Mapping
from functools import partial

from torch import Tensor

from vidgen.longvideo.anchor import levels
from vidgen.longvideo.chunk import Chunk
from vidgen.longvideo.order import Order, Transition
from vidgen.longvideo.planner import CLOSING, Window
from vidgen.longvideo.script import Script
from vidgen.longvideo.streams import Streams
from vidgen.spec import Take

Chunks = Mapping[int, Chunk]
"""The chunks there are, by the numbers of their windows."""


class Orders:
    """Writes the orders of a script's windows."""

    def __init__(self, script: Script, streams: Streams) -> None:
        self._script, self._streams = script, streams

    def of(self, window: Window, chunks: Chunks) -> Order:
        """The window's order; the chunks beside it hand over the latents that they share with it."""
        script = self._script
        branch = next((take for take in reversed(script.takes) if _branches(take, window)), None)
        prompt = script.prompts[window.span]
        before, after = self.beside(window, chunks)
        tail = None if after is None else self._streams.span(after, after.window.start, window.stop)
        if script.loop and window.n == script.windows[-1].n and 0 in chunks:
            tail = self._streams.span(chunks[0], 1, 1 + CLOSING)
        return Order(
            window=window,
            seed=branch.seed if branch else script.seed,
            prompt=branch.prompt if branch and branch.prompt is not None else prompt,
            head=None if before is None else self._streams.span(before, window.start, before.window.stop),
            tail=tail,
            pins=self._pins(window, chunks),
            reference=self._reference(window, chunks),
            source=script.source(window) if script.source else None,
            control=None if script.control is None else partial(script.control, window),
            control_name="" if script.control_name is None else script.control_name(window),
            kept=None if script.kept is None else script.kept(window),
            transition=self._transition(window),
        )

    def beside(self, window: Window, chunks: Chunks) -> tuple[Chunk | None, Chunk | None]:
        """The chunks before and after the window that are there and share frames with it."""
        shot = [other for other in self._script.windows if other.shot == window.shot]
        line = sorted(shot, key=lambda other: other.start)
        place = next(at for at, other in enumerate(line) if other.n == window.n)
        before = chunks.get(line[place - 1].n) if place > 0 else None
        after = chunks.get(line[place + 1].n) if place + 1 < len(line) else None
        return (
            before if before and before.window.stop > window.start else None,
            after if after and after.window.start < window.stop else None,
        )

    def _pins(self, window: Window, chunks: Chunks) -> dict[int, Tensor]:
        """The latent frames that are given, by their places in the window."""
        given = {place: latent for (shot, place), latent in self._script.pins.items() if shot == window.shot}
        if self._script.loop and 0 in chunks:
            end = self._script.windows[-1].stop - CLOSING
            given |= {place: self._streams.span(chunks[0], 2, 3) for place in (2, end + 1)}
        return {place - window.start: given[place] for place in range(window.start, window.stop) if place in given}

    def _reference(self, window: Window, chunks: Chunks) -> Tensor | None:
        """The levels of the first chunk with this window's prompt; another prompt may ask for other colours."""
        if self._script.pins or self._script.reference is not None:
            return self._script.reference  # given pictures say themselves what the colours are
        earlier = (chunk for n, chunk in sorted(chunks.items()) if n < window.n)
        same = (it for it in earlier if it.window.span == window.span and self._transition(it.window) is None)
        first = next(same, None)
        return None if first is None else levels(self._streams.latents(first)[:, :, first.window.head :])

    def _transition(self, window: Window) -> Transition | None:
        """The prompt that still counts where a span has just begun, each latent frame a little less."""
        length = self._script.transitions[window.span] if self._script.transitions else 0
        if length == 0:
            return None
        begin = min(other.start + other.head for other in self._script.windows if other.span == window.span)
        places = range(window.start - begin, window.stop - begin)
        weights = tuple(min(1.0, max(0.0, 1 - (place + 0.5) / length)) for place in places)
        fresh = weights[window.head :]
        return Transition(self._script.prompts[window.span - 1], weights) if any(fresh) else None


def _branches(take: Take, window: Window) -> bool:
    return take.then == "remake" and take.chunk <= window.n
