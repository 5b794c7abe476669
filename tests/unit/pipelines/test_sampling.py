"""Samplers and guidance in our own loop: effects on frames, and how often the network is asked."""

import json

import numpy as np
import pytest
import torch

from vidgen.components.guidance import GuidancePlan, rescaled
from vidgen.pipelines import Residency, render
from vidgen.pipelines.factory import pipeline_for
from vidgen.runtime.context import RunContext
from vidgen.spec import TextToVideo, resolve
from vidgen.spec.advanced import AdvancedFields

# of the library: schedulers that turn tensors into numpy arrays
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@pytest.fixture(scope="module")
def residency(tiny_registry) -> Residency:
    return Residency(tiny_registry)


@pytest.fixture
def batches(residency, monkeypatch) -> list[int]:
    """How many predictions each call of the network made."""
    seen: list[int] = []
    kind = type(residency.model("tiny"))
    velocity = kind.velocity
    monkeypatch.setattr(kind, "velocity", lambda *a: seen.append(a[1].shape[0]) or velocity(*a))
    return seen


def frames_of(residency: Residency, **fields) -> np.ndarray:
    asked = TextToVideo(**{"model": "tiny", "prompt": "a red cat", "seed": 3, "num_inference_steps": 4} | fields)
    spec = resolve(asked, residency.registry.get("tiny").rules)
    with torch.inference_mode():
        recipe = pipeline_for(spec.task, residency.model("tiny"), spec.advanced)
        return np.concatenate(list(recipe(spec, RunContext())))


@pytest.mark.parametrize(
    "advanced",
    [
        {"sampler": "unipc"},
        {"sampler": "dpmpp-2m"},
        {"shift": 8.0},
        {"guidance_rescale": 1.0},
        {"guidance_until": 0.5},
        {"guidance_schedule": "falling"},
        {"guidance_schedule": "rising"},
    ],
    ids=str,
)
def test_each_option_changes_the_frames_and_repeats_itself(residency, advanced):
    """Fails when the recipe gets the model without the options: tried."""
    made = frames_of(residency, advanced=advanced)
    assert np.array_equal(made, frames_of(residency, advanced=advanced))
    assert (made != frames_of(residency)).any()


def test_render_samples_as_it_is_asked(residency, tmp_path):
    """Fails when `render` keeps the options to itself: tried."""
    rules, hashes = residency.registry.get("tiny").rules, []
    for n, advanced in enumerate((None, {"sampler": "unipc"})):
        (tmp_path / str(n)).mkdir()
        asked = TextToVideo(model="tiny", seed=3, num_frames=5, num_inference_steps=3, advanced=advanced)
        render(resolve(asked, rules), RunContext(), tmp_path / str(n), residency)
        receipt = json.loads((tmp_path / str(n) / "receipt.json").read_text())
        hashes.append(receipt["frames"]["sha256"])
        assert receipt["spec"]["advanced"] == (
            None if advanced is None else AdvancedFields(**advanced).model_dump(mode="json")
        )
    assert hashes[0] != hashes[1]


def test_naming_the_models_own_sampler_changes_nothing(residency):
    assert np.array_equal(frames_of(residency), frames_of(residency, advanced={"sampler": "euler", "shift": 3.0}))


def test_without_guidance_the_unconditional_pass_is_never_run(residency, batches):
    """Fails when the loop asks for both predictions all the time: tried."""
    frames_of(residency)
    frames_of(residency, guidance_scale=1.0)
    frames_of(residency, advanced={"guidance_from": 0.25, "guidance_until": 0.75})
    frames_of(residency, advanced={"guidance_schedule": "falling"})
    frames_of(residency, advanced={"guidance_schedule": "rising"})
    assert batches == [2, 2, 2, 2, 1, 1, 1, 1, 1, 2, 2, 1, 2, 2, 2, 1, 1, 2, 2, 2]


def test_chunks_of_other_sampling_are_never_gone_on_from(residency):
    model = residency.model("tiny")
    assert model.sampled(AdvancedFields(sampler="unipc")).fingerprint != model.fingerprint
    assert model.sampled(None) is model


def test_rescaled_guidance_has_the_contrast_of_the_conditional_prediction():
    conditional, unconditional = torch.randn(2, 1, 4, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    guided = GuidancePlan(scale=7.0, rescale=1.0).guided(conditional, unconditional)
    assert float(guided.std()) == pytest.approx(float(conditional.std()), rel=1e-4)
    plain = GuidancePlan(scale=7.0).guided(conditional, unconditional)
    assert torch.allclose(plain, unconditional + 7 * (conditional - unconditional))
    assert torch.allclose(rescaled(plain, conditional, 0.5), 0.5 * plain + 0.5 * guided, atol=1e-5)


def test_guidance_falls_and_rises_along_a_cosine():
    """Fails when the shape goes by another share than the steps': tried."""
    scales = {
        shape: [GuidancePlan(5.0, shape=shape).at(step, 5).scale for step in range(5)]
        for shape in ("constant", "falling", "rising")
    }
    cosine = [5.0, 1 + 4 * (1 + 0.5**0.5) / 2, 3.0, 1 + 4 * (1 - 0.5**0.5) / 2, 1.0]
    assert scales["constant"] == [5.0] * 5
    assert scales["falling"] == pytest.approx(cosine)
    assert scales["rising"] == pytest.approx(cosine[::-1])
