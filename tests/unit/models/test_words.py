"""Remarks on words that a model was never shown: for the shipped model, never for one that says nothing of words."""

import numpy as np
import pytest

from training.captions import caption, random_scene
from training.export import MOTION_WORDS
from vidgen.spec import Segment, TextToVideo
from vidgen_models.registry import ModelRegistry
from vidgen_models.words import remarks

SPRITES = ModelRegistry().get("sprites-64")


def told(prompt: str, **fields: object) -> dict[str, tuple[str, ...]]:
    found = remarks(TextToVideo.model_validate({"prompt": prompt, **fields}), SPRITES)
    assert {remark.code for remark in found} <= {"unknown_words"}
    return {remark.field: remark.words for remark in found}


def test_nothing_is_said_of_what_the_model_was_trained_on() -> None:
    """Fails when only the names in vocabulary.json count, which are a tenth of the words of the captions."""
    rng = np.random.default_rng(1)
    # the recipe may know motions that the shipped weights were not trained on yet
    known = [motion for motion, words in MOTION_WORDS.items() if words in SPRITES.vocabulary()["motions"]]
    scenes = [scene for scene in (random_scene(rng, None) for _ in range(400)) if scene.motion in known]
    captions = [caption(scene, rng) for scene in scenes]
    assert len(captions) > 200
    assert [text for text in captions if told(text)] == []
    assert told("") == {}


@pytest.mark.parametrize(
    ("prompt", "words", "nearest"),
    [
        ("a unicorn moves left", ("unicorn",), ""),
        ("a penguim spins, a penguim!", ("penguim",), '"penguim" (nearest: "penguin")'),
        ("a CAT", ("CAT",), '"CAT" (nearest: "cat")'),
        ("a cat and a mouse", ("mouse",), '"mouse";'),
        ("ein Pinguin auf Grün", ("ein", "Pinguin", "auf", "Grün"), '(nearest: "penguin")'),
    ],
)
def test_unknown_words_are_told_once_with_the_nearest_known_one(
    prompt: str, words: tuple[str, ...], nearest: str
) -> None:
    (remark,) = remarks(TextToVideo(prompt=prompt), SPRITES)
    assert remark.words == words
    assert nearest in remark.message


def test_every_prompt_of_a_clip_is_looked_at() -> None:
    segments = (Segment(prompt="a cat", frames=17), Segment(prompt="a sphinx", frames=8))
    assert told("a cat", negative_prompt="ugly", segments=segments) == {
        "negative_prompt": ("ugly",),
        "segments.1.prompt": ("sphinx",),
    }


def test_nothing_is_said_of_models_that_say_nothing_of_words(tiny_registry: ModelRegistry) -> None:
    assert remarks(TextToVideo(prompt="a unicorn"), tiny_registry.get("tiny")) == ()
