"""A camera in words, for models that were told of their cameras in captions: said after what the prompt says."""

from typing import TypeVar

from vidgen.spec.conditioning.camera import AXES, Camera
from vidgen.spec.conditioning.offers import camera_presets
from vidgen.spec.conditioning.rules import ConditioningRules
from vidgen.spec.job import SamplingFields

Spec = TypeVar("Spec", bound=SamplingFields)
SLOWEST = 1.0
"""Slower than this a camera is not spoken of."""
MOMENTS = 8


def worded(spec: Spec, rules: ConditioningRules) -> Spec:
    """The resolved spec whose prompts tell of its camera, where the model has words for it."""
    if spec.camera is None or not rules.camera_words:
        return spec
    moves, strength = (
        camera_presets(average(spec.camera)),
        1.0 if spec.motion_strength is None else spec.motion_strength,
    )
    told = [
        rules.camera_words[it]
        for it, speed in moves.items()
        if strength * speed >= SLOWEST and it in rules.camera_words
    ]
    if not told:
        return spec
    segments = tuple(
        part.model_copy(update={"prompt": _said(part.prompt, told)}) if part.prompt else part for part in spec.segments
    )
    return spec.model_copy(update={"prompt": _said(spec.prompt, told), "segments": segments})


def average(camera: Camera) -> Camera:
    """The camera that moves evenly as far as this one does."""
    seen = [camera.at((moment + 0.5) / MOMENTS) for moment in range(MOMENTS)]
    return Camera.model_validate({axis: sum(speeds[axis] for speeds in seen) / MOMENTS for axis in AXES})


def _said(prompt: str, told: list[str]) -> str:
    missing = [words for words in told if words.lower() not in prompt.lower()]
    return ", ".join([prompt, *missing] if prompt else missing)
