"""Which items go together, and with what else a request asks for. Conflicts are refused by name."""

from vidgen.errors import SpecError
from vidgen.spec.conditioning.rules import ConditioningRules
from vidgen.spec.job import ExtendVideo, ImageToVideo, SamplingFields, VideoToVideo

OPEN = ("camera", "prefix", "suffix")
"""Items that lead from somewhere to somewhere else."""
CLOSED = ("trajectories", "brushes")
"""Those that can come back to where they began."""


def check_together(spec: SamplingFields, rules: ConditioningRules) -> None:
    """Raises SpecError naming a field that another one contradicts."""
    _check_task(spec)
    _check_ends(spec)
    if spec.mask is not None and spec.outpaint is not None:
        raise _refused("outpaint", "the clip has a mask already; give one of them")
    _check_flows(spec)
    by_flow = rules.camera == "flow" or not rules.camera
    for number, control in enumerate(spec.controls):
        if control.kind == "flow" and spec.camera is not None and by_flow:
            raise _refused("camera", f"controls.{number} says how everything moves; give one of them")
        if control.kind == "flow" and (spec.brushes or (spec.trajectories and rules.trajectories == "flow")):
            field = "brushes" if spec.brushes else "trajectories"
            raise _refused(field, f"controls.{number} says how everything moves; give one of them")
        if control.kind == "layout" and spec.trajectories and rules.trajectories == "layout":
            raise _refused("trajectories", f"controls.{number} says where the subject is; give one of them")
    _check_strength(spec, rules)


def _check_task(spec: SamplingFields) -> None:
    if isinstance(spec, ExtendVideo):
        if spec.prefix is not None:
            raise _refused("prefix", "an extension goes on from its own clip; leave it out")
        if spec.suffix is not None and spec.direction == "backward":
            raise _refused("suffix", "an extension backward leads up to its own clip; leave it out")
    if not isinstance(spec, VideoToVideo):
        for name in ("mask", "outpaint"):
            if getattr(spec, name) is not None:
                raise _refused(name, "belongs to video-to-video; give the clip as video")
    if spec.long is not None and spec.long.loop:
        _check_loop(spec)


def _check_flows(spec: SamplingFields) -> None:
    """Of two motions drawn from clips the later would take the earlier's place; those given drawn lie side by side."""
    moving = [number for number, control in enumerate(spec.controls) if control.kind == "flow" and not control.drawn]
    if len(moving) > 1:
        first, second = moving[:2]
        raise _refused(f"controls.{second}", f"controls.{first} says how everything moves; give one of them")


def _check_loop(spec: SamplingFields) -> None:
    for name in OPEN:
        if getattr(spec, name) not in (None, ()):
            raise _refused(name, "says something of a first or last frame, which a loop has not; leave it out")
    for name in CLOSED:
        for number, path in enumerate(getattr(spec, name)):
            first, last = path.points[0], path.points[-1]
            if (first.x, first.y) != (last.x, last.y):
                why = f"in a loop a path ends where it begins; make the last point {first.x:g}, {first.y:g}"
                raise _refused(f"{name}.{number}.points", why)


def _check_ends(spec: SamplingFields) -> None:
    for name in ("prefix", "suffix"):
        end = getattr(spec, name)
        if end is not None and end.video.frame is not None:
            raise _refused(f"{name}.video.frame", "it is given by frames; leave it out")
        if end is not None and isinstance(spec, VideoToVideo):
            raise _refused(name, "a restyle follows its clip; leave it out")
    if spec.prefix is not None and isinstance(spec, ImageToVideo):
        raise _refused("prefix", "the clip begins with image; give one of them")
    if spec.suffix is not None and isinstance(spec, ImageToVideo) and spec.last_image is not None:
        raise _refused("suffix", "the clip ends on last_image; give one of them")


def _check_strength(spec: SamplingFields, rules: ConditioningRules) -> None:
    if spec.motion_strength is None:
        return
    if rules.motion_strength == "bucket":
        if spec.advanced is not None and spec.advanced.motion_bucket_id is not None:
            raise _refused("motion_strength", "advanced.motion_bucket_id says it already; give one of them")
        return
    by_flow = any(control.kind == "flow" for control in spec.controls)
    if not (spec.camera or spec.trajectories or spec.brushes or by_flow):
        raise _refused("motion_strength", "there is no camera, trajectory, brush or flow control to be stronger")


def _refused(field: str, why: str) -> SpecError:
    return SpecError(f"{field}: {why}", field=field)
