"""A camera in words, for models that were told of their cameras in captions.

A steady camera is said after what the prompt says. One that changes over time, or is slower than the model's one
speed, is said by share: at each moment the words count as much as the camera is fast.
"""

from dataclasses import dataclass
from typing import TypeVar

from vidgen.spec.conditioning.camera import AXES, STILL, Camera, CameraPreset, moments_of
from vidgen.spec.conditioning.offers import camera_presets, preset_of
from vidgen.spec.conditioning.rules import ConditioningRules
from vidgen.spec.job import SamplingFields

Spec = TypeVar("Spec", bound=SamplingFields)
SLOWEST = 1.0
"""Slower than this a camera of a model whose speeds nobody measured is not spoken of."""
MOMENTS = 8


@dataclass(frozen=True, slots=True)
class SaidMove:
    """One direction in which a camera moves at times: its words, and how much they count at a share of the time."""

    words: str
    preset: CameraPreset
    camera: Camera
    strength: float
    full: float
    least: float

    def weight(self, share: float) -> float:
        """0..1, at a share (0..1) of the clip's time."""
        speeds = self.camera.at(share)
        speed = max((abs(it) for axis, it in speeds.items() if it and preset_of(axis, it) == self.preset), default=0.0)
        speed *= self.strength
        return 0.0 if speed < STILL else self.least + (1 - self.least) * min(1.0, speed / self.full)


def worded(spec: Spec, rules: ConditioningRules) -> Spec:
    """The resolved spec whose prompts tell of its steady camera, where the model has words for it."""
    if spec.camera is None or not rules.camera_words or by_time(spec, rules):
        return spec
    moves, strength = camera_presets(average(spec.camera)), strength_of(spec)
    told = [
        rules.camera_words[it]
        for it, speed in moves.items()
        if strength * speed >= SLOWEST and it in rules.camera_words
    ]
    if not told:
        return spec
    segments = tuple(
        part.model_copy(update={"prompt": said(part.prompt, *told)}) if part.prompt else part for part in spec.segments
    )
    regions = tuple(part.model_copy(update={"prompt": said(part.prompt, *told)}) for part in spec.regions)
    return spec.model_copy(update={"prompt": said(spec.prompt, *told), "segments": segments, "regions": regions})


def by_time(spec: SamplingFields, rules: ConditioningRules) -> bool:
    """Whether the camera of a resolved spec is said by share and time, and not drawn.

    So is one that changes, a slow one, and one beside other drawn items, which its flow would outweigh.
    """
    if spec.camera is None or not rules.camera_speeds or not rules.camera_words:
        return False
    if spec.controls or spec.trajectories or spec.brushes:
        return True
    moments = [spec.camera.at(share) for share in moments_of(2 * MOMENTS)]
    if any(speeds != moments[0] for speeds in moments):
        return True
    presets = camera_presets(average(spec.camera))
    return any(strength_of(spec) * speed < rules.camera_speeds.get(it, 0.0) for it, speed in presets.items())


def said_moves(spec: SamplingFields, rules: ConditioningRules) -> tuple[SaidMove, ...]:
    """The moves of a camera that is said by time; none of another."""
    if spec.camera is None or not by_time(spec, rules):
        return ()
    moves = (
        SaidMove(words, preset, spec.camera, strength_of(spec), full, rules.camera_least_share)
        for preset, words in rules.camera_words.items()
        if (full := rules.camera_speeds.get(preset))
    )
    moments = moments_of(64)
    return tuple(move for move in moves if any(map(move.weight, moments)))


def average(camera: Camera) -> Camera:
    """The camera that moves evenly as far as this one does."""
    seen = [camera.at(share) for share in moments_of(MOMENTS)]
    return Camera.model_validate({axis: sum(speeds[axis] for speeds in seen) / MOMENTS for axis in AXES})


def said(prompt: str, *told: str) -> str:
    """The prompt with what is told of the camera, where it does not say that itself."""
    missing = [words for words in told if words.lower() not in prompt.lower()]
    return ", ".join([prompt, *missing] if prompt else missing)


def strength_of(spec: SamplingFields) -> float:
    """What all speeds of the camera are multiplied with."""
    return 1.0 if spec.motion_strength is None else spec.motion_strength
