"""Checkpoints that were distilled to few steps: how often their network is asked, and what they refuse."""

import pytest

from tests.tiny_families import (
    animatediff,
    cogvideox,
    latte,
    ltx,
    ltx2,
    mochi,
    skyreels,
    stable_video_diffusion,
    wan,
    wan_animate,
)
from vidgen.errors import SpecError
from vidgen.families.installation import distilled
from vidgen_models.shelf import Shelf

# of the libraries: schedulers that turn tensors into numpy arrays, and Mochi's autocast to float32
pytestmark = [
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:In CPU autocast:UserWarning"),
]
STEPS = 3
FAMILIES = (wan, wan_animate, ltx, ltx2, cogvideox, animatediff, stable_video_diffusion, skyreels, mochi, latte)
"""All but those whose guidance is distilled into an input, and Wan-VACE, whose loop is ours."""


@pytest.fixture(params=[family.CASES[0] for family in FAMILIES], ids=lambda case: case.name)
def tiny(request, tiny_of):
    return tiny_of(request.param)


@pytest.fixture
def few_steps(tiny):
    """The model as `vidgen models add --few-steps` registers it."""
    shelf, whole = Shelf(tiny.manifests), tiny.manifest
    shelf.put(whole.model_copy(update={"rules": distilled(whole.rules, STEPS)}))
    yield tiny
    shelf.rollback(whole.id)


def passes(tiny, **changes) -> int:
    """How many clips the network was given in a run, unconditional ones counted."""
    parts, seen = tiny.residency.model(tiny.manifest.id).parts, []
    network = parts.get("transformer") or parts["unet"]

    def count(_, positional, named):
        seen.append((positional[0] if positional else named.get("hidden_states", named.get("sample"))).shape[0])

    handle = network.register_forward_pre_hook(count, with_kwargs=True)
    tiny.frames(**changes)
    handle.remove()
    return sum(seen)


def test_a_distilled_checkpoint_runs_no_unconditional_pass(few_steps):
    """Beside the same network with guidance. Fails when the distilled rules leave the family's guidance: tried."""
    assert passes(few_steps, num_inference_steps=None) == STEPS
    Shelf(few_steps.manifests).rollback(few_steps.manifest.id)
    assert passes(few_steps, num_inference_steps=STEPS, guidance_scale=5.0) >= 2 * STEPS  # LTX-2 has two more
    rules = distilled(few_steps.manifest.rules, STEPS)
    Shelf(few_steps.manifests).put(few_steps.manifest.model_copy(update={"rules": rules}))


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"guidance_scale": 5.0}, "guidance_scale=5: tiny-family was distilled and takes no guidance; nearest is 1"),
        ({"guidance_scale": 5.0, "advanced": {"expert": True}}, "was distilled and takes no guidance"),
        ({"negative_prompt": "blue"}, "negative_prompt: tiny-family ignores it"),
    ],
)
def test_guidance_on_a_distilled_checkpoint_is_refused_by_name(few_steps, asked, told):
    """Fails when experts may leave the band of a distilled checkpoint: tried."""
    with pytest.raises(SpecError, match=told):
        few_steps.spec(**asked)
