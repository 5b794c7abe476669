"""What a forecast counts is what the network is asked, of whatever clip."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from vidgen.longvideo.plan_of_spec import chunks_of
from vidgen.longvideo.predictions import passes, predictions_of
from vidgen.pipelines import Residency
from vidgen.pipelines.factory import pipeline_for
from vidgen.runtime.context import RunContext
from vidgen.runtime.verdict import PREDICTIONS, Verdict
from vidgen.spec import ModelRules, TextToVideo, resolve
from vidgen.spec.advanced import AdvancedFields
from vidgen.spec.long import LongFields
from vidgen.spec.region import Region
from vidgen.spec.rules import LongRule

REGION = {"prompt": "the green dog", "box": {"left": 0, "top": 0, "right": 1, "bottom": 0.5}}


@pytest.fixture(scope="module")
def residency(tiny_registry: Any) -> Residency:
    return Residency(tiny_registry)


@pytest.fixture
def asked(residency: Residency, monkeypatch: pytest.MonkeyPatch) -> Callable[[TextToVideo], int]:
    """Runs a clip as a worker does and counts predictions, each of a batch for itself."""
    model, rows = residency.model("tiny"), list[int]()
    velocity = type(model).velocity
    monkeypatch.setattr(type(model), "velocity", lambda *a, **b: rows.append(a[1].shape[0]) or velocity(*a, **b))

    def count(spec: TextToVideo) -> int:
        rows.clear()
        said = list[Verdict]()
        with torch.inference_mode():
            list(
                pipeline_for(spec.task, model, spec.advanced)(
                    spec, RunContext(on_verdict=said.append if spec.regions else None)
                )
            )
        return sum(rows)

    return count


@pytest.mark.parametrize("guidance", [1.0, 3.0])
@pytest.mark.parametrize("regions", [0, 2])
def test_the_predictions_of_a_clip_are_those_its_network_is_asked(residency, asked, guidance, regions):
    """Under guidance a step is two, a judgement never. Fails when a judgement is half a step whatever the guidance:
    tried; and when steps without guidance count as with it: tried."""
    rules = residency.registry.get("tiny").rules
    spec = TextToVideo(
        model="tiny",
        prompt="a red cat",
        seed=3,
        num_inference_steps=3,
        num_frames=5,
        guidance_scale=guidance,
        regions=[Region.model_validate(REGION)] * regions,
    )
    spec = resolve(spec, rules)
    assert asked(spec) == predictions_of(spec, rules)


def test_a_distilled_model_is_judged_at_the_price_of_its_steps(residency):
    """Fails when a judgement is half of its step: tried."""
    rules = residency.registry.get("tiny").rules
    rules = rules.model_copy(
        update={
            "distilled": True,
            "negative_prompt": False,
            "guidance": rules.guidance.model_copy(update={"min": 1.0, "max": 1.0, "default": 1.0}),
        }
    )
    assert passes(rules.guidance.default, rules) == 1
    spec = resolve(TextToVideo(prompt="x", num_inference_steps=4, regions=[Region.model_validate(REGION)]), rules)
    assert predictions_of(spec, rules) == 4 * 2 + PREDICTIONS * 2


def test_behind_a_step_cache_nothing_is_judged(residency):
    """Fails when its judgements are counted: tried."""
    rules = residency.registry.get("tiny").rules
    rules = rules.model_copy(update={"options": (*rules.options, "step_cache")})

    def judged(advanced: AdvancedFields | None) -> float:
        regions = [Region.model_validate(REGION)]
        with_regions = resolve(TextToVideo(prompt="x", advanced=advanced, regions=regions), rules)
        return predictions_of(with_regions, rules) - 2 * predictions_of(resolve(TextToVideo(prompt="x"), rules), rules)

    assert judged(None) == PREDICTIONS * 2
    assert judged(AdvancedFields(step_cache=0.1)) == 0


def test_of_a_long_clip_three_windows_are_judged_and_native_ones_all(residency):
    """Fails when native windows are counted as others: tried."""
    rules: ModelRules = residency.registry.get("tiny").rules
    assert isinstance(rules.long, LongRule)
    rules = rules.model_copy(update={"long": rules.long.model_copy(update={"modes": ("chain", "native")})})

    def shares(mode: Any) -> tuple[float, int]:
        fields = {"prompt": "x", "num_frames": 61, "num_inference_steps": 1, "guidance_scale": 1.0}
        spec = resolve(TextToVideo(**fields, long=LongFields(mode=mode), regions=[REGION]), rules)
        return (predictions_of(spec, rules) - 2) / (2 * PREDICTIONS), chunks_of(spec, rules)

    share, windows = shares("chain")
    assert windows > 3
    assert share == pytest.approx(3 / windows)
    assert shares("native")[0] == pytest.approx(1)
