"""Fills and checks the conditioning items of a request against a model's rules."""

from itertools import pairwise
from typing import TypeVar

from vidgen.errors import SpecError
from vidgen.spec.conditioning.camera import PRESETS, Camera
from vidgen.spec.conditioning.control import UNDRAWN, Control, steps_before
from vidgen.spec.conditioning.mask import Box, Mask, Outpaint
from vidgen.spec.conditioning.offers import check_conditioning_offers
from vidgen.spec.conditioning.path import Brush, Path, Trajectory, Waypoint
from vidgen.spec.conditioning.reference import ClipEnd
from vidgen.spec.conditioning.together import check_together
from vidgen.spec.job import ImageToVideo, SamplingFields, VideoToVideo
from vidgen.spec.keyframe import Keyframe
from vidgen.spec.restyle import usual_strength
from vidgen.spec.rules import FrameRule, ModelRules, nearest_frame_counts

SUBJECT_BOX = 0.4
"""Of trajectories that say no size, as a share of both sides."""
NARROWEST = 0.02
Moved = TypeVar("Moved", bound=Path)


def resolved_conditioning(spec: SamplingFields, num_frames: int, rules: ModelRules) -> dict[str, object]:
    """The items with every number filled in. Resolving them again changes nothing.

    Raises SpecError naming the field, its rule and the nearest valid value.
    """
    if not spec.conditioned and rules.conditioning.controls_needed == "none":
        return {}
    camera = None if spec.camera is None else _camera(spec.camera)
    check_conditioning_offers(spec.model, spec.model_copy(update={"camera": camera}), rules.conditioning)
    check_together(spec, rules.conditioning)
    if spec.mask is not None:
        _check_mask(spec.mask)
    if spec.outpaint is not None:
        _check_outpaint(spec.outpaint)
    ends = _ends(spec, num_frames, rules)
    return {
        "camera": camera,
        "controls": tuple(_control(number, it, spec, rules) for number, it in enumerate(spec.controls)),
        "trajectories": tuple(
            _boxed(_timed(f"trajectories.{number}", path), spec) for number, path in enumerate(spec.trajectories)
        ),
        "brushes": tuple(_brush(f"brushes.{number}", brush) for number, brush in enumerate(spec.brushes)),
        **ends,
    }


def _camera(camera: Camera) -> Camera:
    """The camera by its speeds alone."""
    given = [axis for axis, speed in camera.speeds().items() if speed]
    if camera.preset is not None and (given or camera.keys):
        field = f"camera.{given[0]}" if given else "camera.keys"
        raise SpecError(f"{field}: the preset {camera.preset} says it already; give one of them", field=field)
    if camera.keys and given:
        raise SpecError(f"camera.{given[0]}: the keys say it already; give one of them", field=f"camera.{given[0]}")
    for number, (early, late) in enumerate(pairwise(camera.keys), 1):
        if late.at <= early.at:
            field = f"camera.keys.{number}.at"
            raise SpecError(f"{field}={late.at:g}: must be later than {early.at:g}, the key before", field=field)
    return camera if camera.preset is None else Camera.model_validate(PRESETS[camera.preset])


def _control(number: int, control: Control, spec: SamplingFields, model: ModelRules) -> Control:
    rules = model.conditioning
    field = f"controls.{number}"
    if control.start >= control.end:
        raise SpecError(f"{field}.end={control.end:g}: must be beyond start, {control.start:g}", field=f"{field}.end")
    _check_share(field, control, steps_run(spec, model))
    if control.video.frame is not None and control.kind == "flow" and not control.drawn:
        raise SpecError(f"{field}.video.frame: a picture has no motion; give a clip", field=f"{field}.video.frame")
    if control.kind in UNDRAWN and not control.drawn and control.kind not in rules.estimated:
        raise SpecError(
            f"{field}.drawn=false: no network that draws {control.kind} is installed; give a {control.kind} "
            "video of your own and drawn=true, or add such a network with `vidgen models add FOLDER`",
            field=f"{field}.drawn",
        )
    if control.drawn and control.smoothing:
        name = f"{field}.smoothing"
        raise SpecError(f"{name}: what is drawn already is used as it is; leave it out", field=name)
    return control if control.weight is not None else control.model_copy(update={"weight": rules.control_weight})


def _check_share(field: str, control: Control, steps: int) -> None:
    """A control acts at step `n` of `steps` where start ≤ n / steps < end; at one step at least it must."""
    if not steps or steps_before(control.start, steps) < steps_before(control.end, steps):
        return
    first = steps_before(control.start, steps)
    name, value, nearest = ("end", control.end, (first + 1) / steps)
    if first >= steps:
        name, value, nearest = ("start", control.start, (steps - 1) / steps)
    raise SpecError(
        f"{field}.{name}={value:g}: between start and end lies none of the {steps} steps, so it would not count; "
        f"nearest is {nearest:g}",
        field=f"{field}.{name}",
        nearest=(nearest,),
    )


def steps_run(spec: SamplingFields, rules: ModelRules) -> int:
    """How many steps are run: of a restyle those from its strength on."""
    steps = rules.steps.default if spec.num_inference_steps is None else spec.num_inference_steps
    if not isinstance(spec, VideoToVideo):
        return steps
    return min(steps, round(steps * (usual_strength(spec, rules) if spec.strength is None else spec.strength)))


def _timed(field: str, path: Moved) -> Moved:
    """The path with the moment of every point: between moments that are given, evenly."""
    times = [point.at for point in path.points]
    times[0] = 0.0 if times[0] is None else times[0]
    times[-1] = 1.0 if times[-1] is None else times[-1]
    known = [n for n, time in enumerate(times) if time is not None]
    for early, late in pairwise(known):
        first, last = times[early] or 0.0, times[late] or 0.0
        if last <= first:
            name = f"{field}.points.{late}.at"
            raise SpecError(f"{name}={last:g}: must be later than {first:g}, the moment before", field=name)
        for n in range(early + 1, late):
            times[n] = first + (last - first) * (n - early) / (late - early)
    points = tuple(Waypoint(x=it.x, y=it.y, at=time) for it, time in zip(path.points, times, strict=True))
    return path.model_copy(update={"points": points})


def _boxed(path: Trajectory, spec: SamplingFields) -> Trajectory:
    """The trajectory with the size of its box; on a start image it is found there unless it is given."""
    if isinstance(spec, ImageToVideo):
        return path
    return path.model_copy(update={"width": path.width or SUBJECT_BOX, "height": path.height or SUBJECT_BOX})


def _brush(field: str, brush: Brush) -> Brush:
    return _timed(field, brush)


def _check_mask(mask: Mask) -> None:
    if (mask.media is None) == (mask.box is None):
        raise SpecError("mask: give media or box", field="mask")
    if mask.box is not None:
        _check_box("mask.box", mask.box)


def _check_box(field: str, box: Box) -> None:
    for low, high in (("left", "right"), ("top", "bottom")):
        begin, end = getattr(box, low), getattr(box, high)
        if end - begin < NARROWEST:
            nearest = min(1.0, begin + NARROWEST)
            raise SpecError(
                f"{field}.{high}={end:g}: must be {NARROWEST:g} beyond {low}, {begin:g}; nearest is {nearest:g}",
                field=f"{field}.{high}",
                nearest=(nearest,),
            )


def _check_outpaint(outpaint: Outpaint) -> None:
    if not (outpaint.left or outpaint.top or outpaint.right or outpaint.bottom):
        raise SpecError("outpaint: give room on one side at least: left, top, right or bottom", field="outpaint")


def _ends(spec: SamplingFields, num_frames: int, rules: ModelRules) -> dict[str, object]:
    """Prefix and suffix with their lengths: whole groups of frames, and one group at least in between."""
    step = rules.frames.step
    prefix = _end("prefix", spec.prefix, FrameRule(min=1, max=num_frames - step, step=step, default=1 + step))
    left = num_frames - step - ((prefix.frames or 0) if prefix else 1)
    suffix = _end("suffix", spec.suffix, FrameRule(min=step, max=max(step, left), step=step, default=step))
    begun, rest = (prefix.frames or 0) if prefix else 0, num_frames - ((suffix.frames or 0) if suffix else 0)
    for number, key in enumerate(spec.keyframes):
        place = _place(key, num_frames, spec.fps or rules.fps)
        if place < begun:
            raise _taken(number, place, "prefix", 0, begun - 1, nearest=begun)
        if place >= rest:
            raise _taken(number, place, "suffix", rest, num_frames - 1, nearest=rest - 1)
    return {"prefix": prefix, "suffix": suffix}


def _place(key: Keyframe, num_frames: int, fps: int) -> int:
    """The keyframe's frame, counted from 0."""
    return key.frame % num_frames if key.frame is not None else min(num_frames - 1, round((key.seconds or 0.0) * fps))


def _taken(number: int, place: int, end: str, first: int, last: int, *, nearest: int) -> SpecError:
    field = f"keyframes.{number}.frame"
    told = f"{field}={place}: the {end} has frames {first} to {last}; nearest is {nearest}"
    return SpecError(told, field=field, nearest=(nearest,))


def _end(name: str, end: ClipEnd | None, rule: FrameRule) -> ClipEnd | None:
    if end is None:
        return None
    frames = min(rule.default, rule.max) if end.frames is None else end.frames
    nearest = nearest_frame_counts(frames, rule)
    if nearest != (frames,):
        words = " and ".join(map(str, nearest))
        form = f"{rule.step}k+1" if rule.min == 1 else f"{rule.step}k"
        raise SpecError(
            f"{name}.frames={frames}: {form} from {rule.min} to {rule.max}; nearest: {words}",
            field=f"{name}.frames",
            nearest=nearest,
        )
    return end.model_copy(update={"frames": frames})
