"""What each window is made from, given the script and the chunks that are there already."""

from collections.abc import Mapping
from functools import partial

from torch import Tensor

from vidgen.longvideo.anchor import levels
from vidgen.longvideo.chunk import Chunk
from vidgen.longvideo.looks import Looks
from vidgen.longvideo.order import Order
from vidgen.longvideo.planner import CLOSING, Window
from vidgen.longvideo.script import Script
from vidgen.longvideo.streams import Streams

Chunks = Mapping[int, Chunk]
"""The chunks there are, by the numbers of their windows."""


class Orders:
    """Writes the orders of a script's windows."""

    def __init__(self, script: Script, streams: Streams) -> None:
        self._script, self._streams, self._looks = script, streams, Looks(script)

    def of(self, window: Window, chunks: Chunks) -> Order:
        """The window's order; the chunks beside it hand over the latents that they share with it."""
        script, branch = self._script, self._looks.branch(window)
        before, after = self.beside(window, chunks)
        tail = None if after is None else self._streams.span(after, after.window.start, window.stop)
        if script.loop and window.n == script.windows[-1].n and 0 in chunks:
            tail = self._streams.span(chunks[0], 1, 1 + CLOSING)
        return Order(
            window=window,
            seed=branch.seed if branch else script.seed,
            prompt=self._looks.prompt(window),
            head=None if before is None else self._streams.span(before, window.start, before.window.stop),
            tail=tail,
            pins=self._pins(window, chunks),
            reference=self._reference(window, chunks),
            source=script.source(window) if script.source else None,
            control=None if script.control is None else partial(script.control, window),
            control_name="" if script.control_name is None else script.control_name(window),
            kept=None if script.kept is None else script.kept(window),
            transition=self._looks.transition(window),
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
        """The levels of the first chunk that is wholly of this window's look; another prompt may ask for other colours,
        and the chunk that turns to them is still on the way."""
        given, prompt = self._script.reference, self._looks.prompt(window)
        if given is not None and window.span == 0 and prompt == self._script.prompts[0]:
            return given
        if self._script.pins and given is None:
            return None  # given pictures say themselves what the colours are
        earlier = [chunk for n, chunk in sorted(chunks.items()) if n < window.n and chunk.window.span == window.span]
        settled = (it for it in earlier if it.prompt == prompt and not self._looks.on_the_way(it.window))
        first = next(settled, None)
        return None if first is None else levels(self._streams.latents(first)[:, :, first.window.head :])
