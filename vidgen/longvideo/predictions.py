"""What a clip takes of its model's network, in predictions of the whole clip, for forecasts. It knows no seconds."""

from vidgen.longvideo.plan_of_spec import chunks_of
from vidgen.runtime.verdict import PREDICTIONS, WINDOWS
from vidgen.spec import ModelRules, SamplingFields, VideoToVideo
from vidgen.spec.conditioning.predictions import predictions_a_step


def predictions_of(spec: SamplingFields, rules: ModelRules) -> float:
    """Of a resolved spec: its steps, and what the model is asked about its regions when they are done.

    A judgement is one prediction whether the clip was guided or not; pipelines that guide in one batch ask both halves
    of it, which is not counted.
    """
    steps = float(spec.num_inference_steps or rules.steps.default)
    if isinstance(spec, VideoToVideo):
        steps *= rules.strength if spec.strength is None else spec.strength
    scale = rules.guidance.default if spec.guidance_scale is None else spec.guidance_scale
    return steps * predictions_a_step(spec, rules.conditioning) * passes(scale, rules) + _judgements(spec, rules)


def passes(guidance_scale: float, rules: ModelRules) -> int:
    """Predictions of a step for one prompt: two under guidance, where the model has an unconditional pass at all."""
    return 2 if guidance_scale > 1.0 and rules.negative_prompt else 1


def _judgements(spec: SamplingFields, rules: ModelRules) -> float:
    """Nothing is judged without regions, nor behind a step cache. Native windows are each judged as they are made."""
    if not spec.regions or (spec.advanced is not None and spec.advanced.step_cache is not None):
        return 0.0
    windows = chunks_of(spec, rules)
    native = spec.long is not None and spec.long.mode == "native"
    looked_at = windows if native else min(WINDOWS, windows)
    return PREDICTIONS * (1 + len(spec.regions)) * looked_at / windows
