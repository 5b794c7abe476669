"""A camera that is moved by motion LoRAs: which installed one is for which move, and which a spec makes use of."""

from collections.abc import Iterable

from vidgen.spec.advanced import LoraUse
from vidgen.spec.conditioning.camera import AXES, PRESET_SPEED, CameraPreset
from vidgen.spec.conditioning.offers import camera_presets
from vidgen.spec.conditioning.rules import ConditioningRules
from vidgen.spec.job import SamplingFields

NAMES: dict[str, CameraPreset] = {
    "pan-left": "pan-left",
    "pan-right": "pan-right",
    "tilt-up": "tilt-up",
    "tilt-down": "tilt-down",
    "zoom-in": "zoom-in",
    "zoom-out": "zoom-out",
    "rolling-clockwise": "roll-right",
    "rolling-anticlockwise": "roll-left",
    "roll-right": "roll-right",
    "roll-left": "roll-left",
}
"""What the ids of motion LoRAs hold, as they are published (`animatediff-motion-lora-zoom-in`)."""
HEAVIEST = 4.0


def with_camera_loras(rules: ConditioningRules, loras: Iterable[str]) -> ConditioningRules:
    """The rules of a model that motion LoRAs are made for: it moves its camera along the axes that they name."""
    # the longer name first: "anticlockwise" holds "clockwise"
    names = sorted(NAMES, key=len, reverse=True)
    found = {lora: next((NAMES[name] for name in names if name in lora), None) for lora in sorted(loras)}
    moves = {preset: lora for lora, preset in found.items() if preset is not None}
    if not moves or rules.camera is not None:
        return rules
    axes = tuple(axis for axis in AXES if any(move.startswith(axis) for move in moves))
    return rules.model_copy(update={"camera": "loras", "camera_axes": axes, "camera_loras": moves})


def used_loras(spec: SamplingFields, rules: ConditioningRules) -> tuple[LoraUse, ...]:
    """Those that a resolved spec asks for, and those of its camera: whole at a preset's speed, more at a higher."""
    asked = () if spec.advanced is None else spec.advanced.loras
    if spec.camera is None or rules.camera != "loras":
        return asked
    moves = camera_presets(spec.camera).items()
    made = (LoraUse(id=rules.camera_loras[it], weight=min(HEAVIEST, speed / PRESET_SPEED)) for it, speed in moves)
    return (*asked, *made)
