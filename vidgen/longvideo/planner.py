"""Which windows a long clip is made in. Integers alone: it knows neither models nor tensors.

Positions count latent frames of one causal stream. Its first latent frame is one frame of the clip, each further one
is a group of four (of eight on some models), so a shot of `frames` frames has `1 + (frames - 1) / 4` latent frames. A
cut begins a new stream.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from vidgen.errors import SpecError

GROUP = 4
"""Frames of a latent frame, on models that do not say otherwise."""
CLOSING = 2
"""Latent frames of a loop's beginning that its last window makes once more: frame 1 half anew, frame 2 as it was."""


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
    group: int = GROUP


@dataclass(frozen=True, slots=True)
class Window:
    """Piece `n` of the clip, in the order in which pieces are made: latent frames `start` to `stop` of stream `shot`.

    The first `head` and the last `tail` of them exist already. A window that starts at 0 begins its stream.
    """

    n: int
    shot: int
    span: int
    start: int
    stop: int
    head: int
    tail: int = 0

    @property
    def length(self) -> int:
        return self.stop - self.start

    @property
    def fresh(self) -> int:
        """Latent frames that this window adds to the stream."""
        return self.length - self.head - self.tail


def plan(
    spans: Sequence[Span], sizes: Windows, *, history: int = 0, stops: Collection[tuple[int, int]] = ()
) -> tuple[Window, ...]:
    """Windows that add every latent frame of all spans once, in order; no window's fresh frames lie in two spans.

    `history` latent frames of the first stream exist already (a clip that is extended); then its first span is 4k too.
    `stops` are latent frames (shot, position) that a window shall end on, so that it can lead up to them.
    Raises SpecError when a span has no whole number of latent frames.
    """
    windows: list[Window] = []
    shot, stop = 0, history
    for number, span in enumerate(spans):
        if span.cut and number > 0:
            shot, stop = shot + 1, 0
        end = stop + _latents(number, span, sizes.group, opens=stop == 0)
        for leg in _legs(stop, end, [place + 1 for its_shot, place in stops if its_shot == shot]):
            for fresh in _pieces(leg - stop, sizes, opens=stop == 0):
                head = min(sizes.later - fresh, sizes.overlap_max, stop) if stop else 0
                windows.append(Window(len(windows), shot, number, stop - head, stop + fresh, head))
                stop += fresh
    return tuple(windows)


def plan_backward(frames: int, sizes: Windows, *, future: int) -> tuple[Window, ...]:
    """Windows for what comes before a stream of which `future` latent frames exist, the nearest one first.

    `frames` is 4k+1. The window that begins the stream is made last.
    """
    begin, windows = latent_frames(frames), list[Window]()
    pieces = [*_pieces(begin, replace(sizes, opening=sizes.opening - sizes.overlap), opens=True)]
    for n, fresh in enumerate(reversed(pieces)):
        tail = min(sizes.overlap, future) if n == 0 else sizes.overlap
        windows.append(Window(n, 0, 0, begin - fresh, begin + tail, 0, tail))
        begin -= fresh
    return tuple(windows)


def plan_from_the_end(spans: Sequence[Span], sizes: Windows) -> tuple[Window, ...]:
    """Windows of one stream, its last one first; each leads up to as many of the later latents as there are, at most
    the overlap. The window that begins the stream has one latent frame more than the others.

    Raises SpecError when a span has no whole number of latent frames.
    """
    stride, stop = sizes.later - sizes.overlap, 0
    parts: list[tuple[int, int, int]] = []
    for number, span in enumerate(spans):
        end = stop + _latents(number, span, sizes.group, opens=stop == 0)
        while stop < end:
            start, stop = stop, min(stop + stride + (0 if stop else 1), end)
            parts.append((number, start, stop))
    tails = [min(sizes.overlap, parts[-1][2] - last) for _, _, last in parts]
    made = zip(reversed(parts), reversed(tails), strict=True)
    return tuple(Window(n, 0, span, start, last + tail, 0, tail) for n, ((span, start, last), tail) in enumerate(made))


def plan_loop(spans: Sequence[Span], sizes: Windows, *, stops: Collection[tuple[int, int]] = ()) -> tuple[Window, ...]:
    """Windows of a stream whose last latent frame is followed by its frame 1 again; every span is 4k frames.

    The last window goes on from the one before, makes frame 1 once more, and ends on frame 2: the joint lies within it.
    Frame 0 is there to begin from, and is no part of the loop.
    """
    *before, last = spans
    end = sum(span.frames for span in spans) // GROUP + 1
    spare = last.frames // GROUP - (0 if before else 2)
    closing = max(1, min(sizes.later - CLOSING - 1, spare))
    rest = last.frames - GROUP * closing
    first, *others = [*before, Span(rest)] if rest else before
    opened = plan([Span(first.frames + 1), *others], sizes, stops=stops)
    head = max(1, min(sizes.later - closing - CLOSING, sizes.overlap_max, end - closing))
    return (*opened, Window(len(opened), 0, len(spans) - 1, end - closing - head, end + CLOSING, head, CLOSING))


def latent_frames(frames: int, group: int = GROUP) -> int:
    """Latent frames of a stream of `frames` frames (4k+1)."""
    return (frames - 1) // group + 1


def _legs(start: int, end: int, stops: Iterable[int]) -> list[int]:
    """Where the ways from `start` to `end` end that go by the stops between them."""
    return [*sorted({stop for stop in stops if max(start, 1) < stop < end}), end]


def _latents(number: int, span: Span, group: int, *, opens: bool) -> int:
    extra = 1 if opens else 0
    if span.frames < 1 or (span.frames - extra) % group:
        form = f"{group}k+1" if opens else f"{group}k"
        raise SpecError(f"segments.{number}.frames={span.frames}: needs {form}", field=f"segments.{number}.frames")
    return (span.frames - extra) // group + extra


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
