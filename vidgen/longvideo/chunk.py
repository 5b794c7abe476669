"""A committed chunk, and which latent frames of a shot each chunk gives when all of them are there."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from vidgen.longvideo.planner import Window


@dataclass(frozen=True, slots=True)
class Chunk:
    """Where it lies in the store, what it was made from, and which latent frames of its stream it gives."""

    number: int
    fingerprint: str
    window: Window
    seed: int
    prompt: str
    start: int
    stop: int
    take: int | None = None

    @classmethod
    def of(
        cls, number: int, fingerprint: str, window: Window, seed: int, prompt: str, take: int | None = None
    ) -> "Chunk":
        return cls(number, fingerprint, window, seed, prompt, window.start, window.stop, take)


def laid(chunks: Iterable[Chunk]) -> list[Chunk]:
    """The chunks of one shot in order of time, each cut to what it gives.

    Where two lie on the same frames, the later made one gives them: it began from what the other had made of them.
    """
    line: list[Chunk] = []
    for chunk in chunks:
        before = [_cut(old, stop=chunk.window.start) for old in line]
        after = [_cut(old, start=chunk.window.stop) for old in line]
        line = [part for part in (*before, *after) if part.start < part.stop] + [chunk]
    return sorted(line, key=lambda part: part.start)


def _cut(chunk: Chunk, start: int = 0, stop: int | None = None) -> Chunk:
    return replace(chunk, start=max(chunk.start, start), stop=chunk.stop if stop is None else min(chunk.stop, stop))
