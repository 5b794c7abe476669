"""Fills and checks what a request says about a clip longer than the model's window."""

from dataclasses import dataclass

from vidgen.errors import SpecError
from vidgen.spec.job import SamplingFields, VideoToVideo
from vidgen.spec.long import LongFields, Segment
from vidgen.spec.rules import FrameRule, LongRule, ModelRules, nearest_frame_counts


@dataclass(frozen=True, slots=True)
class Length:
    """How long a clip shall be: `num_frames` None means the model's default."""

    num_frames: int | None
    segments: tuple[Segment, ...] = ()


def asked_length(spec: SamplingFields, rules: ModelRules, fps: int) -> Length:
    """The length that `num_frames`, `seconds` or `segments` ask for. Raises SpecError when they disagree."""
    if spec.seconds is not None and (spec.num_frames is not None or spec.segments):
        raise SpecError("seconds: give one of num_frames, seconds and segments", field="seconds")
    if spec.seconds is not None:
        return Length(_of_seconds(spec.seconds, rules.any_frames, fps))
    if not spec.segments:
        return Length(spec.num_frames)
    if rules.long is None:
        raise SpecError(f"segments: {spec.model} makes single windows only; leave them out", field="segments")
    shots = not isinstance(spec, VideoToVideo)
    segments = tuple(
        _segment(number, part, rules=rules, fps=fps, shots=shots) for number, part in enumerate(spec.segments)
    )
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
    if num_frames <= rules.frames.max and not spec.segments:
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
    return LongFields(
        overlap=_overlap(asked.overlap, rule, rules.frames.step),
        window=_given("window", asked.window, rule.window),
        opening=_given("opening", asked.opening, rules.frames.max),
        anchor=rule.anchor if asked.anchor is None else asked.anchor,
        condition_noise=rule.condition_noise if asked.condition_noise is None else asked.condition_noise,
        takes=asked.takes,
    )


def _segment(number: int, segment: Segment, *, rules: ModelRules, fps: int, shots: bool) -> Segment:
    """The segment with its frames filled in and checked."""
    field = f"segments.{number}"
    if segment.cut and not shots:
        raise SpecError(f"{field}.cut: a restyle follows its source; leave it out", field=f"{field}.cut")
    rule = _segment_rule(segment.cut or number == 0, rules)
    if (segment.frames is None) == (segment.seconds is None):
        raise SpecError(f"{field}: give frames or seconds", field=field)
    if segment.seconds is not None:
        return segment.model_copy(update={"frames": _nearest(segment.seconds * fps, rule), "seconds": None})
    frames = segment.frames or 0
    nearest = nearest_frame_counts(frames, rule)
    if nearest != (frames,):
        form = f"{rule.step}k+{rule.min % rule.step}" if rule.min % rule.step else f"{rule.step}k"
        words = " and ".join(map(str, nearest))
        raise SpecError(
            f"{field}.frames={frames}: needs {form} from {rule.min} to {rule.max}; nearest: {words}",
            field=f"{field}.frames",
            nearest=nearest,
        )
    return segment


def _segment_rule(opens: bool, rules: ModelRules) -> FrameRule:
    """A shot's first segment is 4k+1 frames like a clip; one that goes on adds whole groups, a chunk or more."""
    every, step = rules.any_frames, rules.frames.step
    if opens or rules.long is None:
        return every
    least = rules.long.window - rules.long.overlap_max
    return FrameRule(min=least, max=every.max // step * step, step=step, default=least)


def _of_seconds(seconds: float, rule: FrameRule, fps: int) -> int:
    """The valid number of frames nearest to `seconds`; what no clip can have is refused, not shortened in silence."""
    frames = _nearest(seconds * fps, rule)
    if abs(frames - seconds * fps) > rule.step:
        raise SpecError(
            f"seconds={seconds:g}: must be from {rule.min / fps:g} to {rule.max / fps:g} at {fps} frames a second; "
            f"nearest is {frames / fps:g}",
            field="seconds",
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
