"""Options of sampling: what goes together, and what is refused by name."""

import pytest

from vidgen.errors import SpecError
from vidgen.spec import SideRule, TextToVideo, advanced_of, resolve
from vidgen.spec.advanced import AdvancedFields, check_advanced, shifted
from vidgen_models.registry import ModelRegistry

FLOW = ModelRegistry().get("sprites-64").rules
ALL = ("ddim", "ddpm", "euler", "euler-ancestral", "lms", "dpmpp-2m", "unipc", "lcm")
NOISE = FLOW.model_copy(
    update={"prediction": "epsilon", "samplers": ALL, "options": ("sampler", "schedule", "eta", "guidance_until")}
)


@pytest.mark.parametrize(
    ("rules", "advanced", "told"),
    [
        (FLOW, {"sampler": "ddim"}, "ddim is not for networks that predict a flow; sprites-64 takes euler"),
        (FLOW, {"sampler": "heun"}, "sprites-64 does not run with heun"),
        (FLOW, {"schedule": "karras"}, "sprites-64 does not take it"),
        (NOISE, {"sampler": "lcm", "schedule": "karras"}, "lcm takes none; dpmpp-2m, euler, lms, unipc do"),
        (NOISE, {"schedule": "karras"}, "own sampler takes none"),
        (NOISE, {"sampler": "euler", "eta": 0.5}, "belongs to the sampler ddim"),
        (NOISE, {"shift": 3.0}, "sprites-64 does not take it"),
        (FLOW, {"guidance_from": 0.8, "guidance_until": 0.2}, "must not be beyond guidance_until"),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_what_does_not_go_together_is_refused_by_name(rules, advanced, told):
    """Fails when the check of samplers, or that of schedules, is left out: tried."""
    with pytest.raises(SpecError) as caught:
        resolve(TextToVideo(advanced=advanced), rules)
    assert told in caught.value.message
    assert caught.value.field.startswith("advanced.")


def test_guidance_leaves_its_band_for_experts_only():
    with pytest.raises(SpecError, match="guidance_scale=12"):
        resolve(TextToVideo(guidance_scale=12.0), FLOW)
    assert resolve(TextToVideo(guidance_scale=12.0, advanced={"expert": True}), FLOW).guidance_scale == 12.0
    with pytest.raises(SpecError, match="guidance_scale=31"):
        resolve(TextToVideo(guidance_scale=31.0, advanced={"expert": True}), FLOW)


def test_embeddings_are_written_with_commas():
    assert advanced_of(["embeddings=toy, hat"]).embeddings == ("toy", "hat")


def test_the_shift_grows_with_the_root_of_the_pixels():
    """As Wan's authors have it: 3 at 832×480, nearly 5 at 1280×720. Fails when it grows with the pixels."""
    sides = SideRule(min=16, max=1280, multiple=16, default_width=832, default_height=480)
    rules = FLOW.model_copy(update={"options": ("shift", "shift_by_size"), "shift": 3.0, "sides": sides})
    asked = AdvancedFields(shift_by_size=True)
    large = shifted(asked, rules, 1280, 720)
    assert large is not None
    assert large.shift == pytest.approx(4.557, abs=0.001)
    assert shifted(large, rules, 1280, 720) == large
    assert shifted(asked, rules, 832, 480) == asked.model_copy(update={"shift": 3.0})
    assert shifted(AdvancedFields(shift=2.0), rules, 1280, 720) == AdvancedFields(shift=2.0)
    with pytest.raises(SpecError, match="does not say which shift it was trained with; give shift a number"):
        check_advanced("mine", asked, rules.model_copy(update={"shift": None}))
