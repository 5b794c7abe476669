"""A long clip as one stream of latents, made window by window: each chunk is committed before the next one begins.

A chunk is a pure function of its order, and a store remembers chunks by the hash of their orders. So a run that died is
gone on with by running it again, and a retake is a run whose orders differ in one place.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import islice

import numpy as np
import torch
from torch import Tensor

from vidgen.errors import SpecError
from vidgen.longvideo.backward import LeadingUp
from vidgen.longvideo.chunk import Chunk, laid
from vidgen.longvideo.fingerprint import fingerprint
from vidgen.longvideo.gate import LOOKED_BACK, SeamGate, as_tensors, from_tensors, measured
from vidgen.longvideo.joints import frames_before, joints_of
from vidgen.longvideo.judging import sampled
from vidgen.longvideo.looks import Looks
from vidgen.longvideo.loop import TURNED, calmest
from vidgen.longvideo.maker import Maker
from vidgen.longvideo.mender import Mender, Place, Way
from vidgen.longvideo.order import Order
from vidgen.longvideo.orders import Chunks, Orders
from vidgen.longvideo.planner import Window, latent_frames
from vidgen.longvideo.record import Record
from vidgen.longvideo.repair import NUMBERS_APART
from vidgen.longvideo.script import Script
from vidgen.longvideo.streams import Streams
from vidgen.longvideo.together import Together
from vidgen.quality.seams import Series
from vidgen.runtime.context import RunContext
from vidgen.spec import MemoryTier, Progress, Stage
from vidgen.stages.decode_latents import to_uint8
from vidgen.stages.denoise import SHARE, SHARE_BEFORE
from vidgen.stages.preview import as_jpeg, last_frame


class LongClip:
    """Makes the chunks of a script; `maker` makes each window, or `together` all windows of a shot at once."""

    def __init__(self, maker: Maker, script: Script, ctx: RunContext, together: Together | None = None) -> None:
        self._maker, self._script, self._ctx, self._together = maker, script, ctx, together
        self._streams = Streams(script, ctx.chunks)
        self._orders, self._looks = Orders(script, self._streams), Looks(script)
        self._record = Record(script, self._streams, maker.model_fingerprint)
        self._runs = len(script.windows) + sum(take.then == "keep" for take in script.takes)
        self._mender = self._mending() if script.rerolls else None
        self.turn = 0
        self.streams, self.around, self.latents = self._streams.of_shots, self._streams.around, self._streams.latents

    def make(self) -> list[Chunk]:
        """All chunks in order, each made or found. Ends early, at a chunk's end, when the context asks for it.

        Raises SpecError when a take names a chunk that the clip does not have.
        """
        self._check_takes()
        chunks = self._one_by_one() if self._together is None else self._all_at_once(self._together)
        kept = [(place, take) for place, take in enumerate(self._script.takes) if take.then == "keep"]
        for number, (place, take) in enumerate(kept, len(self._script.windows)):
            if take.chunk in chunks:
                # it lies between neighbours that stay as they are but for the frames that they share with it
                order = self._orders.of(chunks[take.chunk].window, chunks)
                order = replace(order, seed=take.seed, prompt=order.prompt if take.prompt is None else take.prompt)
                del chunks[take.chunk]
                chunks[take.chunk] = self._commit(number, order, place)
        made = list(chunks.values())
        if self._script.loop and self._script.turns and len(made) == len(self._script.windows):
            self.turn = self._calm_moment(made)
        if len(made) < len(self._script.windows):
            self._ctx.note("ended_early", {"last_chunk": max(chunk.window.n for chunk in made)})
        self._record.tell(made, self._ctx, self.turn or self._begun_later(made))
        self._judge(made)
        return made

    def _judge(self, made: Sequence[Chunk]) -> None:
        """Ask the model what some chunks show in their regions, beside those that were there when they were made."""
        if self._ctx.on_verdict is None:
            return
        for chunk in sampled(made):
            alone = self._together is not None
            beside = {} if alone else {it.window.n: it for it in made if it.window.n < chunk.window.n}
            order = replace(self._orders.of(chunk.window, beside), seed=chunk.seed, prompt=chunk.prompt)
            for verdict in self._maker.judged(order, self._streams.latents(chunk), self._ctx):
                self._ctx.on_verdict(verdict)

    def _begun_later(self, chunks: Sequence[Chunk]) -> int:
        """How many frames a clip lacks that is made from its end on, and was ended early."""
        return self._script.group * min(chunk.window.start for chunk in chunks) if self._script.from_the_end else 0

    def _calm_moment(self, chunks: Sequence[Chunk]) -> int:
        """By how many frames a loop is turned, from a decoding of its end and its beginning alone."""
        before, around = self._streams.around(chunks)
        latents = torch.cat([*before, *islice(around, latent_frames(TURNED + 2))], 2)
        frames = np.concatenate([to_uint8(pixels) for pixels in self._maker.model.decode(latents)])
        end = frames_before(sum(piece.shape[2] for piece in before))
        # the joints stay within the clip, in their order
        joints = joints_of([self._streams.line(0, chunks)], self._script.clock)
        room = min((joint.first for joint in joints), default=TURNED + 1) - 1
        return calmest(frames[:end], frames[end:], max(0, min(TURNED, room)))

    def _one_by_one(self) -> dict[int, Chunk]:
        chunks: dict[int, Chunk] = {}
        for window in self._script.windows:
            chunks[window.n] = self._joined(window, chunks)
            if self._ctx.stop_requested() or window.n == self._script.until:
                break
        return chunks

    def _all_at_once(self, together: Together) -> dict[int, Chunk]:
        """The chunks of every shot, cut out of the stream that its windows made in common. May end after a shot."""
        chunks: dict[int, Chunk] = {}
        for shot in range(self._script.windows[-1].shot + 1):
            windows = [window for window in self._script.windows if window.shot == shot]
            orders = [self._orders.of(window, {}) for window in windows]
            name = together.fingerprint(orders)
            made = {order.window.n: self._cut_out(name, order) for order in orders}
            if any(self._ctx.chunks.load(chunk.number, chunk.fingerprint) is None for chunk in made.values()):
                share = SHARE_BEFORE + SHARE * windows[0].n / self._runs, SHARE * len(windows) / self._runs
                stream = together.make(orders, share)
                for chunk in made.values():
                    latents = stream[:, :, chunk.window.start : chunk.window.stop]
                    self._keep(chunk, latents)
            chunks |= made
            last = self._script.until is not None and self._script.until <= windows[-1].n
            if last or self._ctx.stop_requested():
                break
        return chunks

    @staticmethod
    def _cut_out(name: str, order: Order) -> Chunk:
        window = order.window
        return Chunk.of(window.n, fingerprint(stream=name, window=window.n), window, order.seed, order.prompt)

    def _mending(self) -> Mender:
        windows = self._script.windows
        gate = SeamGate(self._looks.begins_with, self._script.group)
        if self._script.run_up is not None:
            gate.goes_on_from(*self._measured_before(self._script.run_up))
        return Mender(
            self._maker.model,
            self._ctx,
            gate,
            self._commit_way,
            self._streams.latents,
            rerolls=self._script.rerolls,
            longest=max(window.length for window in windows),
            group=self._script.group,
        )

    def _measured_before(self, run_up: Tensor) -> tuple[Series, int]:
        """The series of the end of the clip that is gone on from, and how many frames of its stream come before it."""
        first = self._script.begin - run_up.shape[2]
        left_out = LOOKED_BACK if first else 0
        before = run_up[:, :, :left_out] if left_out else None
        series = measured(self._maker.model, before, run_up[:, :, left_out:], self._ctx)
        return series, frames_before(first + left_out)

    def _joined(self, window: Window, chunks: Chunks) -> Chunk:
        """The window's chunk, and where its joint shows the best that could be made of it."""
        if self._mender is None:
            return self._commit(window.n, self._orders.of(window, chunks))
        if window.tail and not window.head:
            return self._led_up(window, chunks)
        chosen = any(take.chunk == window.n for take in self._script.takes)
        before, _ = self._orders.beside(window, chunks)
        line = laid(chunk for chunk in chunks.values() if chunk.window.shot == window.shot)

        def earlier(position: int, count: int) -> Tensor | None:
            spans = [(it, max(it.start, position - count), min(it.stop, position)) for it in line]
            found = [self._streams.span(it, start, stop) for it, start, stop in spans if start < stop]
            return torch.cat(found, 2) if found else self._run_up(position, count)

        place = Place(lambda it: self._orders.of(it, chunks), before, earlier)
        return self._mender.joined(window, place, fixed=chosen)

    def _led_up(self, window: Window, chunks: Chunks) -> Chunk:
        """The best chunk of a window that leads up to what is there."""
        line = laid(chunk for chunk in chunks.values() if chunk.window.shot == window.shot)
        places = range(window.stop, window.stop + LOOKED_BACK)
        spans = [(it, max(it.start, places.start), min(it.stop, places.stop)) for it in line]
        found = [self._streams.span(it, start, stop) for it, start, stop in spans if start < stop]
        pins = self._script.pins
        found += [pins[window.shot, place] for place in places if (window.shot, place) in pins]
        order = self._orders.of(window, chunks)
        if not found and order.tail is not None:
            found = [order.tail[:, :, :0]]
        # what is led up to may be the pins of a clip alone, which are no chunk's tail
        ahead = torch.cat(found, 2)
        chosen = any(take.chunk == window.n for take in self._script.takes)
        leading = LeadingUp(
            self._maker.model,
            self._ctx,
            self._commit,
            self._streams.latents,
            self._script.group,
            opens=self._looks.begins_with,
            blended=not self._script.from_the_end,
        )
        return leading.best(order, ahead, rerolls=0 if chosen else self._script.rerolls)

    def _run_up(self, position: int, count: int) -> Tensor | None:
        """Latents of the clip that is gone on from, up to `position`."""
        run_up = self._script.run_up
        if run_up is None:
            return None
        first = self._script.begin - run_up.shape[2]
        found = run_up[:, :, max(0, position - count - first) : max(0, position - first)]
        return found if found.shape[2] else None

    def _commit_way(self, way: Way) -> tuple[Chunk, Series]:
        """An attempt at a chunk as it lies in the store, with what was measured of it."""
        order, name = way.order, self._maker.fingerprint(way.order)
        if way.ready is not None:
            name = fingerprint(order=name, then=way.kind)
        chunk = Chunk.of(way.number, name, order.window, order.seed, order.prompt)
        found = self._ctx.chunks.load(way.number, name)
        if found is None:
            share = self._share(order.window.n)
            share = share if way.number == order.window.n else (sum(share), 0.0)
            latents = way.ready() if way.ready else self._maker.make(order, share, self._told(order.window.n))
            seen = way.measure(latents)
            about = self._record.about(chunk) | {"attempt": way.kind}
            tensors = {"latents": latents, **as_tensors(seen.series)}
            self._ctx.chunks.commit(way.number, name, tensors, seed=order.seed, about=about)
            self._show(order.window.n, lambda: as_jpeg(seen.last[-1]))
            return chunk, seen.series
        return chunk, from_tensors(found) or way.measure(found["latents"]).series

    def _commit(self, number: int, order: Order, take: int | None = None) -> Chunk:
        """The chunk as it lies in the store, made now unless it was made before."""
        again = number >= NUMBERS_APART
        share, told = self._share(order.window.n if again else number), order.window.n if again else number
        name = self._maker.fingerprint(order)
        chunk = Chunk.of(number, name, order.window, order.seed, order.prompt, take)
        if self._ctx.chunks.load(number, name) is None:
            share = (sum(share), 0.0) if again else share
            self._keep(chunk, self._maker.make(order, share, self._told(told)))
        return chunk

    def _keep(self, chunk: Chunk, latents: Tensor) -> None:
        about = self._record.about(chunk)
        self._ctx.chunks.commit(chunk.number, chunk.fingerprint, {"latents": latents}, seed=chunk.seed, about=about)
        number = chunk.window.n if chunk.number >= NUMBERS_APART else chunk.number
        self._show(number, lambda: last_frame(self._maker.model, latents))

    def _told(self, number: int) -> RunContext:
        """The context, where what is reported says which chunk it is about."""

        def report(progress: Progress) -> None:
            self._ctx.report(replace(progress, chunk=number + 1, total_chunks=self._runs))

        return replace(self._ctx, report=report) if self._runs > 1 else self._ctx

    def _share(self, number: int) -> tuple[float, float]:
        """Where this chunk's steps begin on the progress bar, and how much of it they take."""
        return SHARE_BEFORE + SHARE * number / self._runs, SHARE / self._runs

    def _show(self, number: int, picture: Callable[[], bytes]) -> None:
        """Every finished chunk is shown by its last frame, unless memory is short or it is the only one."""
        if self._runs == 1:
            return
        sparing = self._ctx.memory_tier is MemoryTier.LOW
        preview = None if sparing else picture()
        if preview is not None:
            self._ctx.chunks.show(number, preview)
        fraction, steps = sum(self._share(number)), self._script.settings.num_inference_steps
        progress = Progress(Stage.DENOISING, fraction, step=steps, total_steps=steps, preview=preview)
        self._told(number).report(progress)

    def _check_takes(self) -> None:
        last = len(self._script.windows) - 1
        for number, take in enumerate(self._script.takes):
            if take.chunk > last:
                name = f"long.takes.{number}.chunk"
                raise SpecError(
                    f"{name}={take.chunk}: the clip has chunks 0 to {last}; nearest is {last}",
                    field=name,
                    nearest=(last,),
                )
