"""The enhancer's rules: what becomes of unknown words, what is added, and that nothing else changes."""

import pytest

from vidgen_models.enhancer import GROUND, MOTION, enhanced, in_known_words
from vidgen_models.registry import Manifest, ModelRegistry
from vidgen_models.words import WORD, known_words


@pytest.fixture(scope="module")
def shipped() -> Manifest:
    return ModelRegistry().get("sprites-64")


@pytest.fixture(scope="module")
def open_model(shipped, tmp_path_factory) -> Manifest:
    """A model of which no vocabulary is known."""
    return shipped.model_copy(update={"id": "open", "folder": str(tmp_path_factory.mktemp("open"))})


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("an auto moves left on a lilac background", "a car moves left on a purple background"),
        ("a CAT spins on a blue background", "a cat spins on a blue background"),
        ("a rokcet rises, black background", "a rocket rises, black background"),
        ("a xylophonist cat moves left on a red background", "a cat moves left on a red background"),
        ("a (ship:1.4) grows on a (lilac:0.5) background", "a (sailboat:1.4) grows on a (purple:0.5) background"),
        ("a (zzzzqx:1.4) cat grows on a red background", "a cat grows on a red background"),
    ],
)
def test_unknown_words_become_known_ones_or_go(shipped, prompt, expected):
    made = enhanced(prompt, shipped)
    assert made.prompt == expected
    assert bool(made.changes)


@pytest.mark.parametrize("prompt", ["a cat", "the green dragon", "a police car", "an ice cream on a red background"])
def test_what_a_prompt_leaves_open_is_added_in_words_that_the_model_knows(shipped, prompt):
    """Fails when the motion goes to the end of a prompt that names its background: tried."""
    made = enhanced(prompt, shipped)
    assert MOTION.search(made.prompt)
    assert GROUND.search(made.prompt)
    assert set(WORD.findall(made.prompt)) <= (known_words(shipped.path) or set())
    assert made.prompt.index("background") > MOTION.search(made.prompt).start()
    assert enhanced(prompt, shipped) == made
    assert enhanced(made.prompt, shipped).prompt == made.prompt


def test_a_prompt_that_says_everything_stays_as_it_is(shipped):
    prompt = "a cat moves left on a blue background"
    assert enhanced(prompt, shipped).prompt == prompt
    assert enhanced("", shipped).prompt == ""


def test_a_model_that_takes_any_word_is_told_what_long_captions_tell(open_model):
    made = enhanced("An astronaut walks on the moon at night.", open_model)
    assert made.prompt.startswith("An astronaut walks on the moon at night, ")
    assert "camera" in made.prompt
    assert "light" not in made.prompt  # the night is one
    assert "moving" not in made.prompt
    assert in_known_words("any xyzzy", open_model).prompt == "any xyzzy"
