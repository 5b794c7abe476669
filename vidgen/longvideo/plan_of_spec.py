"""How many chunks a resolved spec asks for, before any model or source is there. It knows neither tensors nor files."""

from math import gcd

from vidgen.errors import SpecError
from vidgen.longvideo.planner import (
    GROUP,
    Span,
    Windows,
    latent_frames,
    plan,
    plan_backward,
    plan_from_the_end,
    plan_loop,
)
from vidgen.spec import ExtendVideo, LongFields, ModelRules, SamplingFields, VideoToVideo


def check_takes(spec: SamplingFields, rules: ModelRules) -> None:
    """Raise SpecError for a take of a chunk that the clip will not have, naming the nearest."""
    if spec.long is None or not spec.long.takes:
        return
    last = chunks_of(spec, rules) - 1
    for number, take in enumerate(spec.long.takes):
        if take.chunk > last:
            name = f"long.takes.{number}.chunk"
            raise SpecError(
                f"{name}={take.chunk}: the clip has chunks 0 to {last}; nearest is {last}", field=name, nearest=(last,)
            )


def chunks_of(spec: SamplingFields, rules: ModelRules) -> int:
    """How many windows the spec's clip is made in: one, where it is not long."""
    long = spec.long
    if long is None:
        return 1
    group = _group(long, rules)
    sizes, spans = sizes_of(long, group), spans_of(spec)
    if isinstance(spec, ExtendVideo):
        # how much stays of the clip changes what windows share with it, not how many there are
        if spec.direction == "backward":
            return len(plan_backward(spec.num_frames or 0, sizes, future=1))
        return len(plan(spans, sizes, history=1))
    if rules.long is not None and rules.long.from_the_end:
        return len(plan_from_the_end(spans, sizes))
    clock = clock_of(spec)
    is_led = long.mode != "native" and not isinstance(spec, VideoToVideo)
    stops = [place_of(clock, key.frame or 0) for key in spec.keyframes] if is_led else []
    return len(plan_loop(spans, sizes, stops=stops) if long.loop else plan(spans, sizes, stops=stops))


def _group(long: LongFields, rules: ModelRules) -> int:
    """Frames that a latent frame shows; families with a way of their own say it by what all their lengths divide by."""
    return gcd(rules.frames.step, long.window or 0, long.overlap or 0) if long.mode == "native" else GROUP


def spans_of(spec: SamplingFields) -> list[Span]:
    """The stretches of the clip that have a prompt each. Raises SpecError when the spec was not resolved."""
    if spec.num_frames is None:
        raise SpecError("num_frames: empty; resolve the spec against its model first", field="num_frames")
    segments = [Span(segment.frames or 0, segment.cut) for segment in spec.segments]
    return segments or [Span(spec.num_frames)]


def sizes_of(long: LongFields, group: int = GROUP) -> Windows:
    """The windows' sizes in latent frames. Raises SpecError when the spec was not resolved."""
    if long.window is None or long.overlap is None or long.opening is None:
        raise SpecError("long: empty; resolve the spec against its model first", field="long")
    later, overlap = long.window // group, long.overlap // group
    return Windows(latent_frames(long.opening, group), later, overlap, later - 1, group)


def clock_of(spec: SamplingFields) -> tuple[int, ...]:
    """By shot, as which frame of the clip its latent frame 1 begins; a loop has no frame before that."""
    if spec.long is not None and spec.long.loop:
        return (0,)
    done, clock = 0, [1]
    for segment in spec.segments:
        if segment.cut and done:
            clock.append(done + 1)
        done += segment.frames or 0
    return tuple(clock)


def place_of(clock: tuple[int, ...], frame: int) -> tuple[int, int]:
    """Shot and latent frame that show a frame of the clip."""
    shot = max(number for number, begin in enumerate(clock) if number == 0 or begin - 1 <= frame)
    return shot, max(0, (frame - clock[shot]) // GROUP + 1)
