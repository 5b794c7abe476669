"""A long clip as one stream of latents, made window by window: each chunk is committed before the next one begins.

A chunk is a pure function of its order, and a store remembers chunks by the hash of their orders. So a run that died is
gone on with by running it again, and a retake is a run whose orders differ in one place.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from torch import Tensor

from vidgen.errors import SpecError, VidgenError
from vidgen.longvideo.anchor import levels
from vidgen.longvideo.order import Order, Settings, make
from vidgen.longvideo.planner import Window
from vidgen.runtime.context import RunContext
from vidgen.spec import MemoryTier, Progress, Stage, Take
from vidgen.stages.denoise import SHARE, SHARE_BEFORE
from vidgen.stages.encode_text import TextEmbeddings
from vidgen.stages.model import VideoModel
from vidgen.stages.preview import last_frame


@dataclass(frozen=True, slots=True, eq=False)
class Script:
    """What is to be made. `prompts` are by span of the plan; `source` gives a window its clip's own latents.

    `history` are latents that exist before the first window; `tail` is what the last window ends with; `control` is
    the condition of the very first window, and `control_name` says what it is.
    """

    windows: Sequence[Window]
    prompts: Sequence[str]
    seed: int
    settings: Settings
    takes: Sequence[Take] = ()
    history: Tensor | None = None
    tail: Tensor | None = None
    control: Callable[[], Tensor | None] | None = None
    control_name: str = ""
    source: Callable[[Window], Tensor] | None = None


@dataclass(frozen=True, slots=True)
class Chunk:
    """A committed chunk: under which number and fingerprint it lies, and which latent frames of its stream it gives."""

    number: int
    fingerprint: str
    window: Window
    start: int
    stop: int


class LongClip:
    """Makes the chunks of a script. `encode` turns a prompt into embeddings."""

    def __init__(
        self, model: VideoModel, script: Script, ctx: RunContext, encode: Callable[[str], TextEmbeddings]
    ) -> None:
        self._model, self._script, self._ctx, self._encode = model, script, ctx, encode
        self._texts: dict[str, TextEmbeddings] = {}
        self._runs = len(script.windows) + sum(take.then == "keep" for take in script.takes)

    def make(self) -> list[Chunk]:
        """All chunks in order, each made or found. Ends early, at a chunk's end, when the context asks for it.

        Raises SpecError when a take names a chunk that the clip does not have.
        """
        self._check_takes()
        chunks: list[Chunk] = []
        for window in self._script.windows:
            chunks.append(self._commit(window.n, self._order(window, chunks)))
            if window.head and window.n > 0:
                # the frames both share are this window's: it began from what the one before made of them
                chunks[-2] = replace(chunks[-2], stop=window.start)
            if self._ctx.stop_requested():
                break
        kept = [take for take in self._script.takes if take.then == "keep"]
        for number, take in enumerate(kept, len(self._script.windows)):
            if take.chunk < len(chunks):
                self._retake(chunks, take, number)
        return chunks

    def streams(self, chunks: Sequence[Chunk]) -> Iterator[Iterator[Tensor]]:
        """The latents of each shot, piece by piece from the store."""
        for shot in sorted({chunk.window.shot for chunk in chunks}):
            yield self._stream([chunk for chunk in chunks if chunk.window.shot == shot])

    def latents(self, chunk: Chunk) -> Tensor:
        """The window's latents. Raises VidgenError (chunk_lost, retryable) when the store no longer has them."""
        found = self._ctx.chunks.load(chunk.number, chunk.fingerprint)
        if found is None:
            raise VidgenError(f"chunk {chunk.window.n} was damaged on disk", code="chunk_lost", retryable=True)
        return found["latents"]

    def _stream(self, chunks: Sequence[Chunk]) -> Iterator[Tensor]:
        for chunk in chunks:
            offset = chunk.window.start
            yield self.latents(chunk)[:, :, chunk.start - offset : chunk.stop - offset]

    def _head(self, window: Window, chunks: Sequence[Chunk]) -> Tensor | None:
        if window.head == 0:
            return None
        before = self.latents(chunks[-1]) if chunks else self._script.history
        return None if before is None else before[:, :, -window.head :]

    def _order(self, window: Window, chunks: Sequence[Chunk]) -> Order:
        """What the window is made from, given the chunks before it."""
        script = self._script
        branch = next((take for take in reversed(script.takes) if self._branches(take, window)), None)
        first, last = window.n == 0, window.n == len(script.windows) - 1
        prompt = script.prompts[window.span]
        return Order(
            window=window,
            seed=branch.seed if branch else script.seed,
            prompt=branch.prompt if branch and branch.prompt is not None else prompt,
            head=self._head(window, chunks),
            tail=script.tail if last else None,
            reference=self._reference(window, chunks),
            source=script.source(window) if script.source else None,
            control=script.control if first else None,
            control_name=script.control_name if first else "",
        )

    @staticmethod
    def _branches(take: Take, window: Window) -> bool:
        return take.then == "remake" and take.chunk <= window.n

    def _retake(self, chunks: list[Chunk], take: Take, number: int) -> None:
        """Make one chunk again between its neighbours, which stay as they are but for the frames they share with it."""
        old = chunks[take.chunk]
        window, place = old.window, take.chunk
        after = chunks[place + 1] if place + 1 < len(chunks) and chunks[place + 1].window.head else None
        order = self._order(window, chunks[:place])
        order = replace(order, seed=take.seed, prompt=order.prompt if take.prompt is None else take.prompt)
        if after is not None:
            order = replace(order, tail=self.latents(after)[:, :, : after.window.head])
        chunks[place] = self._commit(number, order)
        if window.head and place > 0:
            chunks[place - 1] = replace(chunks[place - 1], stop=window.start)
        if after is not None:
            chunks[place + 1] = replace(after, start=window.stop)

    def _reference(self, window: Window, chunks: Sequence[Chunk]) -> Tensor | None:
        """The levels of the first chunk with this window's prompt; another prompt may ask for other colours."""
        first = next((chunk for chunk in chunks if chunk.window.span == window.span), None)
        if first is None:
            return None
        return levels(self.latents(first)[:, :, first.window.head :])

    def _commit(self, number: int, order: Order) -> Chunk:
        """The chunk as it lies in the store, made now unless it was made before."""
        settings, window = self._script.settings, order.window
        name = order.fingerprint(self._model, settings)
        if self._ctx.chunks.load(number, name) is None:
            text = self._text(order.prompt)
            latents = make(self._model, order, settings, text, self._ctx, self._share(number))
            self._ctx.chunks.commit(number, name, {"latents": latents}, seed=order.seed)
            self._show(number, latents)
        return Chunk(number, name, window, window.start, window.stop)

    def _share(self, number: int) -> tuple[float, float]:
        """Where this chunk's steps begin on the progress bar, and how much of it they take."""
        return SHARE_BEFORE + SHARE * number / self._runs, SHARE / self._runs

    def _show(self, number: int, latents: Tensor) -> None:
        """Every finished chunk is shown by its last frame, unless memory is short."""
        sparing = self._ctx.memory_tier is MemoryTier.LOW
        preview = None if sparing else last_frame(self._model, latents)
        fraction = sum(self._share(number))
        steps = self._script.settings.num_inference_steps
        self._ctx.report(Progress(Stage.DENOISING, fraction, step=steps, total_steps=steps, preview=preview))

    def _text(self, prompt: str) -> TextEmbeddings:
        if prompt not in self._texts:
            self._texts[prompt] = self._encode(prompt)
        return self._texts[prompt]

    def _check_takes(self) -> None:
        last = len(self._script.windows) - 1
        for number, take in enumerate(self._script.takes):
            if take.chunk > last:
                field = f"long.takes.{number}.chunk"
                raise SpecError(
                    f"{field}={take.chunk}: the clip has chunks 0 to {last}; nearest is {last}",
                    field=field,
                    nearest=(last,),
                )
