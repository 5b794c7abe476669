"""Weights in prompts on every family that takes them, through the pipelines that encode text by themselves."""

import numpy as np
import pytest

from tests.tiny_families import animatediff, cogvideox, hunyuan_video, ltx, mochi, skyreels, wan
from tests.unit.families.conftest import distance
from vidgen.errors import ModelError, SpecError
from vidgen.families.weighted_text import weighing
from vidgen.spec.prompt_weights import weighted_text

CASES = [family.CASES[0] for family in (wan, ltx, cogvideox, animatediff, skyreels, mochi)]
# of Mochi's autocast to float32
pytestmark = pytest.mark.filterwarnings("ignore:In CPU autocast:UserWarning")


@pytest.fixture(params=CASES, ids=lambda case: case.name)
def tiny(request, tiny_of):
    return tiny_of(request.param)


def test_weights_change_the_frames_and_a_weight_of_one_does_not(tiny):
    """Fails when the marks reach the tokenizer: tried."""
    plain = tiny.frames(prompt="a red cat")
    assert np.array_equal(plain, tiny.frames(prompt="a (red:1) cat"))
    less, more = (tiny.frames(prompt=f"a (red:{weight}) cat") for weight in (0, 2))
    assert distance(plain, less) > 0
    assert distance(plain, more) > 0
    assert np.array_equal(plain, tiny.frames(prompt="a red cat"))


def test_a_family_whose_text_cannot_be_weighed_refuses_by_name(tiny_of):
    tiny = tiny_of(hunyuan_video.CASES[0])
    with pytest.raises(SpecError, match="prompt: tiny-family takes no weights; write the words alone"):
        tiny.spec(prompt="a (red:1.3) cat")


def test_weights_that_were_not_laid_on_are_an_error(tiny_of):
    """Fails when a text that the pipeline changed before it encoded it is let pass: tried."""
    parts = tiny_of(wan.CASES[0]).residency.model("tiny-family").parts
    weights = weighing(parts["tokenizer"], parts["text_encoder"], [weighted_text("a (red:1.3) cat")])
    with pytest.raises(ModelError, match="weights could not be laid on"), weights:
        pass
