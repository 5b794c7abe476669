"""Fills and checks what a request says about a clip longer than the model's window."""

from dataclasses import dataclass

from vidgen.errors import SpecError
from vidgen.spec.job import ExtendVideo, SamplingFields, VideoToVideo
from vidgen.spec.long import LongFields, Segment
from vidgen.spec.long_mode import resolved_mode, resolved_rerolls
from vidgen.spec.rules import FrameRule, LongRule, ModelRules, nearest_frame_counts, whole_groups

SHORTEST_LOOP = 3
"""Groups of frames: one to begin with, one to go on with, and one that leads back."""


@dataclass(frozen=True, slots=True)
class Length:
    """How long a clip shall be: `num_frames` None means the model's default."""

    num_frames: int | None
    segments: tuple[Segment, ...] = ()


def is_loop(spec: SamplingFields) -> bool:
    return spec.long is not None and spec.long.loop


def length_rule(spec: SamplingFields, rules: ModelRules) -> FrameRule:
    """Valid lengths of what the spec asks for: a clip, a loop, or the new part of a clip that is extended.

    Raises SpecError when the model cannot make it.
    """
    goes_on = isinstance(spec, ExtendVideo)
    if rules.long is None and (goes_on or is_loop(spec)):
        field = "task" if goes_on else "long.loop"
        raise SpecError(f"{field}: {spec.model} makes single windows only", field=field)
    if is_loop(spec):
        if isinstance(spec, VideoToVideo | ExtendVideo):
            raise SpecError(f"long.loop: a {spec.task} job follows its clip; leave it out", field="long.loop")
        return whole_groups(rules.any_frames, SHORTEST_LOOP * rules.frames.step)
    if isinstance(spec, ExtendVideo) and spec.direction == "forward":
        return whole_groups(rules.any_frames, rules.frames.step)
    return rules.any_frames


def asked_length(spec: SamplingFields, rules: ModelRules, fps: int) -> Length:
    """The length that `num_frames`, `seconds` or `segments` ask for. Raises SpecError when they disagree."""
    if spec.seconds is not None and (spec.num_frames is not None or spec.segments):
        raise SpecError("seconds: give one of num_frames, seconds and segments", field="seconds")
    if spec.seconds is not None:
        return Length(_of_seconds("seconds", spec.seconds, length_rule(spec, rules), fps))
    if not spec.segments:
        return Length(spec.num_frames)
    if rules.long is None:
        raise SpecError(f"segments: {spec.model} makes single windows only; leave them out", field="segments")
    if isinstance(spec, ExtendVideo) and spec.direction == "backward":
        raise SpecError("segments: what goes before a clip has one prompt; leave them out", field="segments")
    segments = tuple(_segment(number, part, spec, rules, fps) for number, part in enumerate(spec.segments))
    total = sum(segment.frames or 0 for segment in segments)
    if spec.num_frames not in (None, total):
        raise SpecError(
            f"num_frames={spec.num_frames}: the segments have {total} frames; nearest is {total}",
            field="num_frames",
            nearest=(total,),
        )
    return Length(total, segments)


def resolved_long(spec: SamplingFields, num_frames: int, rules: ModelRules) -> LongFields | None:
    """How the clip is made when it is longer than one window or has segments, else None. Raises SpecError."""
    goes_on = isinstance(spec, ExtendVideo) or is_loop(spec)
    if num_frames <= rules.frames.max and not spec.segments and not goes_on:
        if spec.long is not None:
            raise SpecError(
                f"long: {num_frames} frames are one window; leave it out or ask for more than {rules.frames.max}",
                field="long",
            )
        return None
    rule = rules.long
    if rule is None:
        raise SpecError(f"num_frames={num_frames}: {spec.model} makes single windows only", field="num_frames")
    asked = spec.long or LongFields()
    mode = resolved_mode(spec, asked, rule)
    return asked.model_copy(
        update={
            "mode": mode,
            "overlap": _overlap(asked.overlap, rule, rules.frames.step),
            "window": _given("window", asked.window, rule.window),
            "opening": _given("opening", asked.opening, rules.frames.max),
            "anchor": rule.anchor if asked.anchor is None else asked.anchor,
            "condition_noise": rule.condition_noise if asked.condition_noise is None else asked.condition_noise,
            "rerolls": resolved_rerolls(asked, mode, rule),
        }
    )


def _segment(number: int, segment: Segment, spec: SamplingFields, rules: ModelRules, fps: int) -> Segment:
    """The segment with its frames filled in and checked."""
    field = f"segments.{number}"
    _check_cut(field, segment, spec)
    opens = segment.cut or (number == 0 and not is_loop(spec) and not isinstance(spec, ExtendVideo))
    rule = _segment_rule(opens, rules)
    if (segment.frames is None) == (segment.seconds is None):
        raise SpecError(f"{field}: give frames or seconds", field=field)
    if segment.seconds is not None:
        frames = _of_seconds(f"{field}.seconds", segment.seconds, rule, fps)
    else:
        frames = segment.frames or 0
        _check_count(f"{field}.frames", frames, rule)
    transition = _transition(field, segment, frames, fps, rules.frames.step)
    if transition and (number == 0 or segment.cut):
        raise SpecError(
            f"{field}.transition_frames: nothing goes before it in its shot; leave it out",
            field=f"{field}.transition_frames",
        )
    filled = {"frames": frames, "seconds": None, "transition_frames": transition, "transition_seconds": None}
    return segment.model_copy(update=filled)


def _check_cut(field: str, segment: Segment, spec: SamplingFields) -> None:
    if segment.cut and isinstance(spec, VideoToVideo):
        raise SpecError(f"{field}.cut: a restyle follows its source; leave it out", field=f"{field}.cut")
    if segment.cut and isinstance(spec, ExtendVideo):
        raise SpecError(f"{field}.cut: the new part goes on from the clip; leave it out", field=f"{field}.cut")
    if segment.cut and is_loop(spec):
        raise SpecError(f"{field}.cut: a loop is one shot; leave it out", field=f"{field}.cut")


def _check_count(field: str, frames: int, rule: FrameRule) -> None:
    nearest = nearest_frame_counts(frames, rule)
    if nearest != (frames,):
        form = f"{rule.step}k+{rule.min % rule.step}" if rule.min % rule.step else f"{rule.step}k"
        words = " and ".join(map(str, nearest))
        raise SpecError(
            f"{field}={frames}: needs {form} from {rule.min} to {rule.max}; nearest: {words}",
            field=field,
            nearest=nearest,
        )


def _transition(field: str, segment: Segment, frames: int, fps: int, step: int) -> int | None:
    """Frames over which the prompt before gives way, None where it ends at once."""
    if segment.transition_frames is not None and segment.transition_seconds is not None:
        raise SpecError(f"{field}: give transition_frames or transition_seconds", field=f"{field}.transition_seconds")
    if not segment.transition_frames and not segment.transition_seconds:
        return None
    most = frames // step * step
    rule = FrameRule(min=step, max=most, step=step, default=step)
    if segment.transition_seconds is not None:
        wanted = segment.transition_seconds * fps
        if wanted > most + step / 2:
            raise SpecError(
                f"{field}.transition_seconds={segment.transition_seconds:g}: the segment lasts {frames / fps:g}; "
                f"nearest is {most / fps:g}",
                field=f"{field}.transition_seconds",
                nearest=(most / fps,),
            )
        return _nearest(wanted, rule)
    _check_count(f"{field}.transition_frames", segment.transition_frames or 0, rule)
    return segment.transition_frames


def _segment_rule(opens: bool, rules: ModelRules) -> FrameRule:
    """A shot's first segment is 4k+1 frames like a clip; one that goes on adds whole groups, a chunk or more."""
    if opens or rules.long is None:
        return rules.any_frames
    return whole_groups(rules.any_frames, rules.long.window - rules.long.overlap_max)


def _of_seconds(field: str, seconds: float, rule: FrameRule, fps: int) -> int:
    """The valid number of frames nearest to `seconds`; what no clip can have is refused, not shortened in silence."""
    frames = _nearest(seconds * fps, rule)
    if abs(frames - seconds * fps) > rule.step:
        raise SpecError(
            f"{field}={seconds:g}: must be from {rule.min / fps:g} to {rule.max / fps:g} at {fps} frames a second; "
            f"nearest is {frames / fps:g}",
            field=field,
            nearest=(frames / fps,),
        )
    return frames


def _nearest(frames: float, rule: FrameRule) -> int:
    return min(nearest_frame_counts(round(frames), rule), key=lambda valid: (abs(valid - frames), -valid))


def _overlap(asked: int | None, rule: LongRule, step: int) -> int:
    if asked is None:
        return rule.overlap
    counts = FrameRule(min=rule.overlap_min, max=rule.overlap_max, step=step, default=rule.overlap)
    nearest = nearest_frame_counts(asked, counts)
    if nearest != (asked,):
        words = " and ".join(map(str, nearest))
        raise SpecError(
            f"long.overlap={asked}: multiples of {step} from {rule.overlap_min} to {rule.overlap_max}; "
            f"nearest: {words}",
            field="long.overlap",
            nearest=nearest,
        )
    return asked


def _given(name: str, asked: int | None, value: int) -> int:
    if asked not in (None, value):
        raise SpecError(f"long.{name}={asked}: this model has {value}", field=f"long.{name}", nearest=(value,))
    return value
