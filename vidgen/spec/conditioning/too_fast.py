"""Cameras that are asked to be faster than their model makes any: no fault, but their sender should know."""

from vidgen.spec.conditioning.camera import moments_of
from vidgen.spec.conditioning.camera_words import strength_of
from vidgen.spec.conditioning.offers import preset_of
from vidgen.spec.conditioning.rules import ConditioningRules
from vidgen.spec.job import SamplingFields

FASTER = 1.5
"""So many times the measured speed is still near enough to it."""
MOMENTS = 32


def too_fast(spec: SamplingFields, rules: ConditioningRules) -> dict[str, str]:
    """By field what is said of each move of a resolved spec's camera that goes beyond the model's own speed."""
    if spec.camera is None or not rules.camera_speeds:
        return {}
    found: dict[str, str] = {}
    for share in moments_of(MOMENTS):
        for axis, speed in spec.camera.at(share).items():
            full = rules.camera_speeds.get(preset_of(axis, speed)) if speed else None
            if full is not None and abs(speed) * strength_of(spec) > FASTER * full:
                field = f"camera.{axis}"
                found[field] = (
                    f"{field}: {preset_of(axis, speed)} of {spec.model} goes at {full:g} at most, "
                    "whatever is asked beyond that; slower speeds are followed; "
                    f"nearest is {full if speed > 0 else -full:g}"
                )
    return found
