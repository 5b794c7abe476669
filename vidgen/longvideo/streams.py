"""The latents of a clip's chunks, as they lie in the store: by chunk, by place, and as streams for the decoder."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from vidgen.errors import VidgenError
from vidgen.longvideo.chunk import Chunk, laid
from vidgen.longvideo.planner import CLOSING
from vidgen.longvideo.script import Script
from vidgen.runtime.chunks import ChunkStore

WARM = 6
"""Latent frames that a decoder passes before its output hardly depends on what it began with."""


class Streams:
    """Reads the chunks of a script's clip."""

    def __init__(self, script: Script, store: ChunkStore) -> None:
        self._script, self._store = script, store

    def latents(self, chunk: Chunk) -> Tensor:
        """The window's latents. Raises VidgenError (chunk_lost, retryable) when the store no longer has them."""
        found = self._store.load(chunk.number, chunk.fingerprint)
        if found is None:
            raise VidgenError(f"chunk {chunk.window.n} was damaged on disk", code="chunk_lost", retryable=True)
        return found["latents"]

    def span(self, chunk: Chunk, start: int, stop: int) -> Tensor:
        """The chunk's latents at positions `start` to `stop` of its stream."""
        offset = chunk.window.start
        return self.latents(chunk)[:, :, start - offset : stop - offset]

    def between(self, line: Sequence[Chunk], start: int, stop: int) -> Tensor:
        """Latent frames `start` to `stop` of a shot's chunks, which are laid out already."""
        there = [it for it in line if it.start < stop and it.stop > start]
        return torch.cat([self.span(it, max(it.start, start), min(it.stop, stop)) for it in there], 2)

    def line(self, shot: int, chunks: Sequence[Chunk]) -> list[Chunk]:
        """The chunks of a shot in order of time, each cut to what it gives to the clip."""
        own = [chunk for chunk in chunks if chunk.window.shot == shot]
        if self._script.from_the_end:  # what a window ends on is the later one's own, as it was
            line = [replace(chunk, stop=chunk.window.stop - chunk.window.tail) for chunk in reversed(own)]
        else:
            line = laid(own)
        if shot > 0:
            return line
        cut = (
            replace(it, start=max(it.start, self._script.begin), stop=min(it.stop, self._script.end or it.stop))
            for it in line
        )
        return [chunk for chunk in cut if chunk.start < chunk.stop]

    def of_shots(self, chunks: Sequence[Chunk]) -> Iterator[Iterator[Tensor]]:
        """The latents of each shot, piece by piece from the store."""
        for shot in shots_of(chunks):
            yield self._stream(self.line(shot, chunks))

    def around(self, chunks: Sequence[Chunk]) -> tuple[list[Tensor], Iterator[Tensor]]:
        """A loop's last latents, for the decoder to come from, and all of them from frame 1 on.

        Frame 1 is that of the last window, which made it after the loop's end.
        """
        end = self._script.windows[-1].stop - CLOSING
        line = laid(chunks)
        before = [self.between(line, end - WARM, end)]
        inner = (self.between(line, *part) for part in ((end, end + 1), *((n, n + 1) for n in range(2, end))))
        return before, inner

    def _stream(self, line: Sequence[Chunk]) -> Iterator[Tensor]:
        for chunk in line:
            yield self.span(chunk, chunk.start, chunk.stop)


def shots_of(chunks: Sequence[Chunk]) -> list[int]:
    return sorted({chunk.window.shot for chunk in chunks})
