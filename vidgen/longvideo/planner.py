"""Which windows a long clip is made in. Integers alone: it knows neither models nor tensors.

Positions count latent frames of one causal stream. Its first latent frame is one frame of the clip, each further one
is a group of four, so a shot of `frames` frames has `1 + (frames - 1) / 4` latent frames. A cut begins a new stream.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from vidgen.errors import SpecError

GROUP = 4


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of the clip with one prompt: `frames` is 4k+1 where a stream begins, 4k elsewhere."""

    frames: int
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Windows:
    """Sizes in latent frames: the longest window that begins a stream, the longest later one, what two share."""

    opening: int
    later: int
    overlap: int
    overlap_max: int


@dataclass(frozen=True, slots=True)
class Window:
    """Piece `n` of the clip: latent frames `start` to `stop` of stream `shot`, the first `head` of which exist already.

    A window with `head` 0 begins its stream.
    """

    n: int
    shot: int
    span: int
    start: int
    stop: int
    head: int

    @property
    def length(self) -> int:
        return self.stop - self.start

    @property
    def fresh(self) -> int:
        """Latent frames that this window adds to the stream."""
        return self.length - self.head


def plan(spans: Sequence[Span], sizes: Windows, *, history: int = 0) -> tuple[Window, ...]:
    """Windows that add every latent frame of all spans once, in order; no window's fresh frames lie in two spans.

    `history` latent frames of the first stream exist already (a clip that is extended); then its first span is 4k too.
    Raises SpecError when a span has no whole number of latent frames.
    """
    windows: list[Window] = []
    shot, stop = 0, history
    for number, span in enumerate(spans):
        if span.cut and number > 0:
            shot, stop = shot + 1, 0
        for fresh in _pieces(_latents(number, span, opens=stop == 0), sizes, opens=stop == 0):
            head = min(sizes.later - fresh, sizes.overlap_max, stop) if stop else 0
            windows.append(Window(len(windows), shot, number, stop - head, stop + fresh, head))
            stop += fresh
    return tuple(windows)


def latent_frames(frames: int) -> int:
    """Latent frames of a stream of `frames` frames (4k+1)."""
    return (frames - 1) // GROUP + 1


def _latents(number: int, span: Span, *, opens: bool) -> int:
    extra = 1 if opens else 0
    if span.frames < 1 or (span.frames - extra) % GROUP:
        form = "4k+1" if opens else "4k"
        raise SpecError(f"segments.{number}.frames={span.frames}: needs {form}", field=f"segments.{number}.frames")
    return (span.frames - extra) // GROUP + extra


def _pieces(latents: int, sizes: Windows, *, opens: bool) -> Iterator[int]:
    """Fresh latent frames of each window of a span.

    The window that begins a stream takes up what does not divide: all later ones then share exactly the overlap asked
    for. Without such a window the pieces are as equal as integers can be.
    """
    stride = sizes.later - sizes.overlap
    if opens:
        later = max(0, -((sizes.opening - latents) // stride))
        yield latents - later * stride
        yield from [stride] * later
        return
    pieces = -(-latents // stride)
    for number in range(pieces):
        yield latents * (number + 1) // pieces - latents * number // pieces
