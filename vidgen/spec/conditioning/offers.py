"""Which items a model takes at all: what it would ignore is refused by name, before any weights load."""

from collections.abc import Iterable, Mapping

from vidgen.errors import SpecError
from vidgen.spec.conditioning.camera import STILL, Camera, CameraAxis, CameraPreset, moments_of
from vidgen.spec.conditioning.control import Control
from vidgen.spec.conditioning.fields import ConditioningFields
from vidgen.spec.conditioning.rules import ConditioningRules


def check_conditioning_offers(model: str, spec: ConditioningFields, rules: ConditioningRules) -> None:
    """Raises SpecError naming the first field that this model would ignore. The camera is resolved."""
    offered = {
        "mask": rules.mask,
        "outpaint": rules.mask,
        "controls": bool(rules.controls),
        "references": rules.references > 0,
        "camera": rules.camera is not None,
        "trajectories": rules.trajectories is not None,
        "brushes": rules.brush,
        "motion_strength": rules.motion_strength is not None,
        "prefix": rules.ends,
        "suffix": rules.ends,
    }
    for name, taken in offered.items():
        if getattr(spec, name) not in (None, ()) and not taken:
            raise SpecError(f"{name}: {model} takes none; leave it out ({_taken(offered)})", field=name)
    _check_controls(model, spec, rules)
    _check_references(model, spec, rules)
    if len(spec.trajectories) > rules.trajectories_at_once:
        most = rules.trajectories_at_once
        raise SpecError(
            f"trajectories: {len(spec.trajectories)} paths; {model} follows {most}; nearest is {most}",
            field="trajectories",
            nearest=(most,),
        )
    if spec.camera is not None:
        _check_camera(model, spec.camera, rules)


WORDS: Mapping[CameraAxis, tuple[CameraPreset, CameraPreset]] = {
    "pan": ("pan-left", "pan-right"),
    "tilt": ("tilt-down", "tilt-up"),
    "zoom": ("zoom-out", "zoom-in"),
    "roll": ("roll-left", "roll-right"),
    "dolly": ("dolly-out", "dolly-in"),
    "orbit": ("orbit-left", "orbit-right"),
}


LIKE: Mapping[CameraAxis, tuple[CameraAxis, ...]] = {
    "pan": ("orbit", "tilt"),
    "tilt": ("pan",),
    "zoom": ("dolly",),
    "dolly": ("zoom",),
    "orbit": ("pan",),
}
"""Axes that look most like another."""


def camera_presets(camera: Camera) -> dict[CameraPreset, float]:
    """A constant camera as presets, each with the size of its speed."""
    return {preset_of(axis, speed): abs(speed) for axis, speed in camera.speeds().items() if speed}


def preset_of(axis: CameraAxis, speed: float) -> CameraPreset:
    """The preset whose direction a speed (not 0) has."""
    return WORDS[axis][speed > 0]


def _check_controls(model: str, spec: ConditioningFields, rules: ConditioningRules) -> None:
    for number, control in enumerate(spec.controls):
        if control.kind not in rules.controls:
            field = f"controls.{number}.kind"
            raise SpecError(
                f"{field}={control.kind}: {model} was not trained to follow it; it takes {_words(rules.controls)}",
                field=field,
            )
        if rules.control_networks > 1 and control.kind in [it.kind for it in spec.controls[:number]]:
            field = f"controls.{number}.kind"
            raise SpecError(f"{field}={control.kind}: {model} follows each kind once; give one of each", field=field)
        if not rules.control_shares and _is_shared(control):
            field = f"controls.{number}"
            raise SpecError(f"{field}: {model} follows it whole; leave weight, start and end out", field=field)
    if rules.controls_needed == "one" and not spec.controls:
        raise SpecError(f"controls: {model} follows one, of {_words(rules.controls)}; give it", field="controls")
    given = [control.kind for control in spec.controls]
    missing = [kind for kind in rules.controls if rules.controls_needed == "each" and kind not in given]
    if missing:
        raise SpecError(f"controls: {model} needs one of each kind; {_words(missing)} is missing", field="controls")
    if len(spec.controls) > rules.controls_at_once:
        most = rules.controls_at_once
        raise SpecError(
            f"controls: {len(spec.controls)} at once; {model} takes {most}; nearest is {most}",
            field="controls",
            nearest=(most,),
        )


def _is_shared(control: Control) -> bool:
    return control.weight not in (None, 1.0) or (control.start, control.end) != (0.0, 1.0)


def _check_references(model: str, spec: ConditioningFields, rules: ConditioningRules) -> None:
    if len(spec.references) > rules.references:
        most = rules.references
        raise SpecError(
            f"references: {len(spec.references)} pictures; {model} takes {most}; nearest is {most}",
            field="references",
            nearest=(most,),
        )
    for number, reference in enumerate(spec.references):
        if reference.kind not in rules.reference_kinds:
            field = f"references.{number}.kind"
            raise SpecError(f"{field}={reference.kind}: {model} takes {_words(rules.reference_kinds)}", field=field)


def _check_camera(model: str, camera: Camera, rules: ConditioningRules) -> None:
    for axis in camera.axes():
        if axis not in rules.camera_axes:
            field = f"camera.{axis}"
            near = tuple(it for it in LIKE.get(axis, ()) if it in rules.camera_axes)[:1] or rules.camera_axes[:1]
            told = f"{field}: {model} moves its camera by {_words(rules.camera_axes)} only"
            raise SpecError(f"{told}; nearest is {near[0]}" if near else told, field=field, nearest=near)
    _check_axes_at_once(model, camera, rules.camera_axes_at_once)
    if rules.camera != "loras":
        return
    if camera.keys:
        raise SpecError(f"camera.keys: {model} moves its camera evenly; give speeds", field="camera.keys")
    for preset in camera_presets(camera):
        if preset not in rules.camera_loras:
            raise SpecError(
                f"camera: no LoRA for {preset} is installed for {model}; there are {_words(rules.camera_loras)}",
                field="camera",
            )


def _check_axes_at_once(model: str, camera: Camera, most: int) -> None:
    for share in moments_of(16):
        moving = [axis for axis, speed in camera.at(share).items() if abs(speed) >= STILL]
        if len(moving) > most:
            field = "camera.keys" if camera.keys else f"camera.{moving[most]}"
            told = f"{field}: {_words(moving)} at once; {model} moves its camera along {most} at a time"
            raise SpecError(
                f"{told}; nearest: {_words(moving[:most])} alone, or one after the other by keys", field=field
            )


def _taken(offered: dict[str, bool]) -> str:
    taken = [name for name, there in offered.items() if there]
    return f"it takes {_words(taken)}" if taken else "it takes no conditioning items"


def _words(names: Iterable[str]) -> str:
    return ", ".join(names) or "none"
