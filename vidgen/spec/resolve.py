"""Turns a requested spec into a resolved one: every field filled, every rule of the model checked."""

import secrets
from fractions import Fraction
from typing import TypeVar

from vidgen.errors import SpecError
from vidgen.spec.advanced import guidance_band, shifted
from vidgen.spec.clip_shape import ClipShape
from vidgen.spec.conditioning.resolve import resolved_conditioning
from vidgen.spec.job import ExtendVideo, SamplingFields, VideoToVideo
from vidgen.spec.offers import check_offers
from vidgen.spec.output import resolved_output
from vidgen.spec.post import shapes_after
from vidgen.spec.resolve_keyframes import resolved_keyframes
from vidgen.spec.resolve_long import asked_length, length_rule, resolved_long
from vidgen.spec.restyle import check_restyle, usual_strength
from vidgen.spec.rules import FrameRule, ModelRules, nearest_frame_counts, nearest_side

Spec = TypeVar("Spec", bound=SamplingFields)
Number = TypeVar("Number", int, float)

SEED_BITS = 32
EPSILON = 1e-6


def resolve(spec: Spec, rules: ModelRules, *, source_seconds: float | None = None) -> Spec:
    """Fill defaults, draw the seed, and check all numbers; resolving a resolved spec changes nothing.

    `source_seconds` is the length of a video-to-video job's source, where it is known: the default length then fits
    it, and a longer one is refused.

    Raises SpecError naming the field, its rule and the nearest valid value.
    """
    task = str(getattr(spec, "task", ""))
    if task not in rules.tasks:
        raise SpecError(
            f"task={task}: {spec.model} offers {', '.join(rules.tasks)}", field="task", code="unsupported_task"
        )
    check_offers(spec, rules)
    check_restyle(spec, rules)
    _check_clip(spec)
    frames, fps = length_rule(spec, rules), rules.fps if spec.fps is None else spec.fps
    length = asked_length(spec, rules, fps)
    if isinstance(spec, VideoToVideo) and source_seconds is not None:
        frames = _shortened(frames, int(source_seconds * fps + EPSILON), length.num_frames)
    # segments are checked one by one: where they are cut, the sum has no form of its own
    check = _at_most if length.segments else checked_frames
    num_frames = check(frames.default if length.num_frames is None else length.num_frames, frames)
    filled: dict[str, object] = {
        "width": _side("width", spec.width, rules),
        "height": _side("height", spec.height, rules),
        "num_frames": num_frames,
        "seconds": None,
        "segments": length.segments,
        "long": resolved_long(spec, num_frames, rules),
        "keyframes": resolved_keyframes(spec, num_frames, fps, rules.frames.step),
        "fps": fps,
        "seed": drawn_seed() if spec.seed in (None, -1) else spec.seed,
        "num_inference_steps": _within(
            "num_inference_steps", spec.num_inference_steps, rules.steps.min, rules.steps.max, rules.steps.default
        ),
        "guidance_scale": _within(
            "guidance_scale", spec.guidance_scale, *guidance_band(spec.advanced, rules), rules.guidance.default
        ),
    }
    filled["advanced"] = shifted(spec.advanced, rules, int(str(filled["width"])), int(str(filled["height"])))
    filled |= resolved_conditioning(spec, num_frames, rules)
    if isinstance(spec, VideoToVideo):
        filled["strength"] = _within("strength", spec.strength, 0.0, 1.0, usual_strength(spec, rules))
    return _delivered(spec.model_copy(update=filled))


def _delivered(spec: Spec) -> Spec:
    """The spec with its steps and its output checked, given what the model will make."""
    made = ClipShape(spec.width or 0, spec.height or 0, spec.num_frames or 0, Fraction(spec.fps or 1))
    result = shapes_after(spec.post, made)[-1]
    return spec.model_copy(update={"output": resolved_output(spec.output, fps=result.fps, alpha=result.alpha)})


def drawn_seed() -> int:
    """A seed for a request without one; it is recorded in the resolved spec."""
    return secrets.randbits(SEED_BITS)


def _check_clip(spec: SamplingFields) -> None:
    if isinstance(spec, VideoToVideo) and spec.video.frame is not None:
        raise SpecError("video.frame: a restyle takes the whole clip; leave it out", field="video.frame")
    if not isinstance(spec, ExtendVideo):
        return
    if spec.video.frame is not None:
        raise SpecError("video.frame: say from_frame, and leave it out", field="video.frame")
    if spec.from_frame is not None and spec.from_seconds is not None:
        raise SpecError("from_seconds: give from_frame or from_seconds", field="from_seconds")


def checked_frames(num_frames: int, rule: FrameRule) -> int:
    """`num_frames` where it is valid. Raises SpecError naming the nearest."""
    nearest = nearest_frame_counts(num_frames, rule)
    if nearest == (num_frames,):
        return num_frames
    offset = rule.min % rule.step
    form = f"{rule.step}k+{offset}" if offset else f"{rule.step}k" if rule.step > 1 else "whole numbers"
    words = " and ".join(map(str, nearest))
    verb = "are" if len(nearest) > 1 else "is"
    raise SpecError(
        f"num_frames={num_frames}: this model needs {form} from {rule.min} to {rule.max}; nearest {verb} {words}",
        field="num_frames",
        nearest=nearest,
    )


def _at_most(num_frames: int, rule: FrameRule) -> int:
    if num_frames > rule.max:
        raise SpecError(
            f"segments: {num_frames} frames in all; at most {rule.max}", field="segments", nearest=(rule.max,)
        )
    return num_frames


def _shortened(rule: FrameRule, available: int, asked: int | None) -> FrameRule:
    """The frame rule of a clip whose source holds `available` frames."""
    if available < rule.min:
        raise SpecError(f"video: the source holds {available} frames; at least {rule.min} are needed", field="video")
    longest = max(nearest_frame_counts(available, rule)[0], rule.min)
    if asked is not None and asked > available:
        raise SpecError(
            f"num_frames={asked}: the source holds {available} frames; nearest is {longest}",
            field="num_frames",
            nearest=(longest,),
        )
    return rule.model_copy(update={"max": longest, "default": min(rule.default, longest)})


def _side(field: str, asked: int | None, rules: ModelRules) -> int:
    rule = rules.sides
    if asked is None:
        return rule.default_width if field == "width" else rule.default_height
    nearest = nearest_side(asked, rule)
    if nearest != asked:
        raise SpecError(
            f"{field}={asked}: must be a multiple of {rule.multiple} from {rule.min} to {rule.max}; "
            f"nearest is {nearest}",
            field=field,
            nearest=(nearest,),
        )
    return asked


def _within(field: str, asked: Number | None, low: Number, high: Number, default: Number) -> Number:
    if asked is None:
        return default
    if not low <= asked <= high:
        nearest = low if not asked >= low else high
        raise SpecError(
            f"{field}={asked}: must be from {low} to {high}; nearest is {nearest}", field=field, nearest=(nearest,)
        )
    return asked
