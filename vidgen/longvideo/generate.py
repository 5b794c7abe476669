"""A long clip as one stream of latents, made window by window: each chunk is committed before the next one begins.

A chunk is a pure function of its order, and a store remembers chunks by the hash of their orders. So a run that died is
gone on with by running it again, and a retake is a run whose orders differ in one place.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import torch
from torch import Tensor

from vidgen.errors import SpecError, VidgenError
from vidgen.longvideo.anchor import levels
from vidgen.longvideo.chunk import Chunk, laid
from vidgen.longvideo.fingerprint import content_hash, fingerprint
from vidgen.longvideo.gate import SeamGate, as_tensors, from_tensors
from vidgen.longvideo.history import History
from vidgen.longvideo.joints import joints_of
from vidgen.longvideo.mender import Mender, Place, Way
from vidgen.longvideo.order import Order, Settings, Transition, make
from vidgen.longvideo.planner import CLOSING, GROUP, Window
from vidgen.quality.seams import Series
from vidgen.runtime.context import RunContext
from vidgen.spec import MemoryTier, Progress, Stage, Take
from vidgen.stages.conditioning import Conditioning
from vidgen.stages.denoise import SHARE, SHARE_BEFORE
from vidgen.stages.encode_text import TextEmbeddings
from vidgen.stages.model import VideoModel
from vidgen.stages.preview import last_frame

WARM = 6
"""Latent frames that a decoder passes before its output hardly depends on what it began with."""


@dataclass(frozen=True, slots=True, eq=False)
class Script:
    """What is to be made. `prompts` are by span of the plan; `source` gives a window its clip's own latents.

    `pins` are latents given at places (shot, position) of the clip: pictures to be shown there, frames of a clip that
    is gone on from. `reference` are levels that colours are held to from the first window on. `control` is
    the condition of a window, and `control_name` says what it is; `kept` which of its source's latents stay.
    `transitions` are by span: over how many latent frames the prompt before still counts. With `loop` the last window
    ends on frame 1 of the first.
    `clock` says, by shot, as which frame of the clip latent frame 1 begins; `until` is the last chunk to be made.
    `begin` and `end` are the latent frames of the first shot that are this clip's own; None: to its end. `history` is
    the clip that this one goes on from in latents. `rerolls` is how many other seeds a chunk may try when its joint
    shows; 0 leaves all joints as they are. What is not `sealable` shows other frames than its latents do, and cannot be
    gone on from in latents.
    """

    windows: Sequence[Window]
    prompts: Sequence[str]
    seed: int
    settings: Settings
    takes: Sequence[Take] = ()
    pins: Mapping[tuple[int, int], Tensor] = field(default_factory=dict)
    reference: Tensor | None = None
    control: Callable[[Window], Conditioning | None] | None = None
    control_name: Callable[[Window], str] | None = None
    kept: Callable[[Window], Tensor] | None = None
    source: Callable[[Window], Tensor] | None = None
    transitions: Sequence[int] = ()
    loop: bool = False
    clock: Sequence[int] = (1,)
    until: int | None = None
    begin: int = 0
    end: int | None = None
    history: History | None = None
    sealable: bool = True
    rerolls: int = 0

    def frames(self, shot: int, start: int, stop: int) -> tuple[int, int]:
        """First and last frame of the clip that latent frames `start` to `stop` show."""
        begin = self.clock[shot]
        first = begin + GROUP * (start - 1) if start else begin - 1
        return first, begin + GROUP * (stop - 1) - 1


class LongClip:
    """Makes the chunks of a script. `encode` turns a prompt into embeddings."""

    def __init__(
        self, model: VideoModel, script: Script, ctx: RunContext, encode: Callable[[str], TextEmbeddings]
    ) -> None:
        self._model, self._script, self._ctx, self._encode = model, script, ctx, encode
        self._texts: dict[str, TextEmbeddings] = {}
        self._runs = len(script.windows) + sum(take.then == "keep" for take in script.takes)
        self._mender = self._mending() if script.rerolls else None

    def make(self) -> list[Chunk]:
        """All chunks in order, each made or found. Ends early, at a chunk's end, when the context asks for it.

        Raises SpecError when a take names a chunk that the clip does not have.
        """
        self._check_takes()
        chunks: dict[int, Chunk] = {}
        for window in self._script.windows:
            chunks[window.n] = self._joined(window, chunks)
            if self._ctx.stop_requested() or window.n == self._script.until:
                break
        kept = [(place, take) for place, take in enumerate(self._script.takes) if take.then == "keep"]
        for number, (place, take) in enumerate(kept, len(self._script.windows)):
            if take.chunk in chunks:
                # it lies between neighbours that stay as they are but for the frames that they share with it
                order = self._order(chunks[take.chunk].window, chunks)
                order = replace(order, seed=take.seed, prompt=order.prompt if take.prompt is None else take.prompt)
                del chunks[take.chunk]
                chunks[take.chunk] = self._commit(number, order, place)
        made = list(chunks.values())
        self._tell(made)
        return made

    def streams(self, chunks: Sequence[Chunk]) -> Iterator[Iterator[Tensor]]:
        """The latents of each shot, piece by piece from the store."""
        for shot in _shots(chunks):
            yield self._stream(self._line(shot, chunks))

    def around(self, chunks: Sequence[Chunk]) -> tuple[list[Tensor], Iterator[Tensor]]:
        """A loop's last latents, for the decoder to come from, and all of them from frame 1 on.

        Frame 1 is that of the last window, which made it after the loop's end.
        """
        end = self._script.windows[-1].stop - CLOSING
        line = laid(chunks)
        before = [self._between(line, end - WARM, end)]
        inner = (self._between(line, *part) for part in ((end, end + 1), *((n, n + 1) for n in range(2, end))))
        return before, inner

    def _between(self, line: Sequence[Chunk], start: int, stop: int) -> Tensor:
        """Latent frames `start` to `stop` of a shot's chunks."""
        there = [it for it in line if it.start < stop and it.stop > start]
        return torch.cat([self._span(it, max(it.start, start), min(it.stop, stop)) for it in there], 2)

    def latents(self, chunk: Chunk) -> Tensor:
        """The window's latents. Raises VidgenError (chunk_lost, retryable) when the store no longer has them."""
        found = self._ctx.chunks.load(chunk.number, chunk.fingerprint)
        if found is None:
            raise VidgenError(f"chunk {chunk.window.n} was damaged on disk", code="chunk_lost", retryable=True)
        return found["latents"]

    def _line(self, shot: int, chunks: Sequence[Chunk]) -> list[Chunk]:
        """The chunks of a shot in order of time, each cut to what it gives to the clip."""
        line = laid(chunk for chunk in chunks if chunk.window.shot == shot)
        if shot > 0:
            return line
        cut = (
            replace(it, start=max(it.start, self._script.begin), stop=min(it.stop, self._script.end or it.stop))
            for it in line
        )
        return [chunk for chunk in cut if chunk.start < chunk.stop]

    def _stream(self, line: Sequence[Chunk]) -> Iterator[Tensor]:
        for chunk in line:
            yield self._span(chunk, chunk.start, chunk.stop)

    def _span(self, chunk: Chunk, start: int, stop: int) -> Tensor:
        """The chunk's latents at positions `start` to `stop` of its stream."""
        offset = chunk.window.start
        return self.latents(chunk)[:, :, start - offset : stop - offset]

    def _order(self, window: Window, chunks: Mapping[int, Chunk]) -> Order:
        """What the window is made from, given the chunks beside it that are there already."""
        script = self._script
        branch = next((take for take in reversed(script.takes) if self._branches(take, window)), None)
        prompt = script.prompts[window.span]
        before, after = self._beside(window, chunks)
        tail = None if after is None else self._span(after, after.window.start, window.stop)
        if script.loop and window.n == script.windows[-1].n and 0 in chunks:
            tail = self._span(chunks[0], 1, 1 + CLOSING)
        return Order(
            window=window,
            seed=branch.seed if branch else script.seed,
            prompt=branch.prompt if branch and branch.prompt is not None else prompt,
            head=None if before is None else self._span(before, window.start, before.window.stop),
            tail=tail,
            pins=self._pins(window, chunks),
            reference=self._reference(window, chunks),
            source=script.source(window) if script.source else None,
            control=None if script.control is None else partial(script.control, window),
            control_name="" if script.control_name is None else script.control_name(window),
            kept=None if script.kept is None else script.kept(window),
            transition=self._transition(window),
        )

    @staticmethod
    def _branches(take: Take, window: Window) -> bool:
        return take.then == "remake" and take.chunk <= window.n

    def _beside(self, window: Window, chunks: Mapping[int, Chunk]) -> tuple[Chunk | None, Chunk | None]:
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

    def _pins(self, window: Window, chunks: Mapping[int, Chunk]) -> dict[int, Tensor]:
        """The latent frames that are given, by their places in the window."""
        given = {place: latent for (shot, place), latent in self._script.pins.items() if shot == window.shot}
        if self._script.loop and 0 in chunks:
            end = self._script.windows[-1].stop - CLOSING
            given |= {place: self._span(chunks[0], 2, 3) for place in (2, end + 1)}
        return {place - window.start: given[place] for place in range(window.start, window.stop) if place in given}

    def _reference(self, window: Window, chunks: Mapping[int, Chunk]) -> Tensor | None:
        """The levels of the first chunk with this window's prompt; another prompt may ask for other colours."""
        if self._script.pins or self._script.reference is not None:
            return self._script.reference  # given pictures say themselves what the colours are
        earlier = (chunk for n, chunk in sorted(chunks.items()) if n < window.n)
        same = (it for it in earlier if it.window.span == window.span and self._transition(it.window) is None)
        first = next(same, None)
        return None if first is None else levels(self.latents(first)[:, :, first.window.head :])

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

    def _mending(self) -> Mender:
        windows = self._script.windows
        begins = {window.n for window, before in zip(windows[1:], windows, strict=False) if window.span != before.span}
        return Mender(
            self._model,
            self._ctx,
            SeamGate(lambda window: window.n in begins),
            self._commit_way,
            self.latents,
            rerolls=self._script.rerolls,
            longest=max(window.length for window in windows),
        )

    def _joined(self, window: Window, chunks: Mapping[int, Chunk]) -> Chunk:
        """The window's chunk, and where its joint shows the best that could be made of it."""
        if self._mender is None:
            return self._commit(window.n, self._order(window, chunks))
        chosen = any(take.chunk == window.n for take in self._script.takes)
        before, _ = self._beside(window, chunks)
        line = laid(chunk for chunk in chunks.values() if chunk.window.shot == window.shot)

        def earlier(position: int, count: int) -> Tensor:
            spans = [(it, max(it.start, position - count), min(it.stop, position)) for it in line]
            return torch.cat([self._span(it, start, stop) for it, start, stop in spans if start < stop], 2)

        place = Place(lambda it: self._order(it, chunks), before, earlier)
        return self._mender.joined(window, place, fixed=chosen)

    def _commit_way(self, way: Way) -> tuple[Chunk, Series]:
        """An attempt at a chunk as it lies in the store, with what was measured of it."""
        settings, order = self._script.settings, way.order
        name = order.fingerprint(self._model, settings)
        if way.ready is not None:
            name = fingerprint(order=name, then=way.kind)
        chunk = Chunk.of(way.number, name, order.window, order.seed, order.prompt)
        found = self._ctx.chunks.load(way.number, name)
        if found is None:
            share = self._share(order.window.n)
            share = share if way.number == order.window.n else (sum(share), 0.0)
            ctx = self._told(order.window.n)
            latents = way.ready() if way.ready else make(self._model, order, settings, self._text, ctx, share)
            series = way.measure(latents)
            about = self._about(chunk) | {"attempt": way.kind}
            tensors = {"latents": latents, **as_tensors(series)}
            self._ctx.chunks.commit(way.number, name, tensors, seed=order.seed, about=about)
            self._show(order.window.n, latents)
            return chunk, series
        return chunk, from_tensors(found) or way.measure(found["latents"])

    def _commit(self, number: int, order: Order, take: int | None = None) -> Chunk:
        """The chunk as it lies in the store, made now unless it was made before."""
        settings, window = self._script.settings, order.window
        name = order.fingerprint(self._model, settings)
        chunk = Chunk.of(number, name, window, order.seed, order.prompt, take)
        if self._ctx.chunks.load(number, name) is None:
            latents = make(self._model, order, settings, self._text, self._told(number), self._share(number))
            self._ctx.chunks.commit(number, name, {"latents": latents}, seed=order.seed, about=self._about(chunk))
            self._show(number, latents)
        return chunk

    def _about(self, chunk: Chunk) -> dict[str, object]:
        window = chunk.window
        first, last = self._script.frames(window.shot, window.start + window.head, window.stop - window.tail)
        return {
            "chunk": window.n,
            "take": chunk.take,
            "shot": window.shot,
            "window": [window.start, window.stop],
            "first_frame": first,
            "last_frame": last,
            "prompt": chunk.prompt,
        }

    def _tell(self, chunks: Sequence[Chunk]) -> None:
        """Say what the finished clip is made of: to the receipt, and to those who go on from its latents."""
        for chunk in chunks:
            made = {"seed": chunk.seed, "sha256": content_hash(self.latents(chunk))}
            self._ctx.note("chunks", self._about(chunk) | made)
        for joint in joints_of([self._line(shot, chunks) for shot in _shots(chunks)], self._script.clock):
            self._ctx.note("joints", {"frames": [joint.first, joint.last], "cut": joint.cut, "opens": joint.opens})
        if self._script.sealable and not self._script.loop:
            self._ctx.chunks.seal({"model": self._model.fingerprint, "shots": self._pieces(chunks)})

    def _pieces(self, chunks: Sequence[Chunk]) -> list[list[list[object]]]:
        """Where the latents of every shot lie, in order of time: number, fingerprint, and from where to where."""
        earlier = [] if self._script.history is None else self._script.history.shots
        known = [[[it.number, it.fingerprint, it.start, it.stop] for it in shot] for shot in earlier]
        for shot in _shots(chunks):
            line = self._line(shot, chunks)
            # what is gone on from lies before the first shot's own latents
            begun = known.pop() if known and shot == 0 else []
            offsets = [(it, it.window.start) for it in line]
            known.append(begun + [[it.number, it.fingerprint, it.start - zero, it.stop - zero] for it, zero in offsets])
        return known

    def _told(self, number: int) -> RunContext:
        """The context, where what is reported says which chunk it is about."""

        def report(progress: Progress) -> None:
            self._ctx.report(replace(progress, chunk=number + 1, total_chunks=self._runs))

        return replace(self._ctx, report=report) if self._runs > 1 else self._ctx

    def _share(self, number: int) -> tuple[float, float]:
        """Where this chunk's steps begin on the progress bar, and how much of it they take."""
        return SHARE_BEFORE + SHARE * number / self._runs, SHARE / self._runs

    def _show(self, number: int, latents: Tensor) -> None:
        """Every finished chunk is shown by its last frame, unless memory is short or it is the only one."""
        if self._runs == 1:
            return
        sparing = self._ctx.memory_tier is MemoryTier.LOW
        preview = None if sparing else last_frame(self._model, latents)
        if preview is not None:
            self._ctx.chunks.show(number, preview)
        fraction = sum(self._share(number))
        steps = self._script.settings.num_inference_steps
        progress = Progress(Stage.DENOISING, fraction, step=steps, total_steps=steps, preview=preview)
        self._told(number).report(progress)

    def _text(self, prompt: str) -> TextEmbeddings:
        if prompt not in self._texts:
            self._texts[prompt] = self._encode(prompt)
        return self._texts[prompt]

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


def _shots(chunks: Sequence[Chunk]) -> list[int]:
    return sorted({chunk.window.shot for chunk in chunks})
