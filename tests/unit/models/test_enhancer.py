"""The enhancer's rules: what becomes of unknown words, what is added, and that nothing else changes."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vidgen_models.enhancer import enhanced, in_known_words
from vidgen_models.nearest_words import JOINING, nearest_known
from vidgen_models.prompt_parts import GROUND, MOTION, WORD
from vidgen_models.registry import Manifest, ModelRegistry
from vidgen_models.words import known_words

SPRITES = ModelRegistry().get("sprites-64")


@pytest.fixture(scope="module")
def shipped() -> Manifest:
    return SPRITES


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
        ("two koalas spin on a red background", "two koala spins on a red background"),
        ("a (ship:1.4) grows on a (lilac:0.5) background", "a (sailboat:1.4) grows on a (purple:0.5) background"),
        ("a happy elefant grows on a red background", "a happy elephant grows on a red background"),
    ],
)
def test_unknown_words_become_known_ones_of_like_meaning(shipped, prompt, expected):
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


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        (
            "a rocket goes left and the camera zooms closer",
            r"a rocket goes left on a \w+ background and the camera zooms closer",
        ),
        ("a rocket and a cat", r"a rocket (?P<motion>[\w ]+) and a cat (?P=motion) on a \w+ background"),
        ("a cat, moving right, on green grass", "a cat, moving right, on green grass"),
        ("dog running on beach", "dog running on beach"),
        ("xyzzy quux", "xyzzy quux"),
        ("a mouse runs in the woods", "a mouse runs in the woods"),
        ("zwei Katzen tanzen im Wald", "zwei Katzen tanzen im Wald"),
        ("a cat eats an apple", r"a cat eats an apple on a \w+ background"),
        ("A cat moves left.", r"A cat moves left on a \w+ background."),
        ("a (zzzzqx:1.4) cat grows on a red background", r"a \(zzzzqx:1.4\) cat grows on a red background"),
        ("dog, beach, sunset", r"dog [\w ]+, beach, sunset"),
        ("the green dragon moves up", r"the green dragon moves up on a (?!green)\w+ background"),
        ("a dog on a car", r"a dog [\w ]+ on a car"),
        ("a cat fades in", r"a cat fades in on a \w+ background"),
        ("a car camera moves", r"a car [\w ]+ on a \w+ background camera moves"),
        ("a camera spins", r"a camera spins on a \w+ background"),
    ],
)
def test_what_a_prompt_tells_is_neither_lost_nor_contradicted(shipped, prompt, expected):
    """Fails when "and" may be taken for "an", and when "on beach" is no ground: seen before it was mended."""
    assert re.fullmatch(expected, enhanced(prompt, shipped).prompt)


def test_words_that_the_model_was_never_shown_stay_and_are_named(shipped):
    made = enhanced("a xylophonist cat and a mouse moves left on a red background", shipped)
    assert made.unknown == ("xylophonist", "mouse")
    assert made.prompt == "a xylophonist cat and a mouse moves left on a red background"


@pytest.mark.parametrize(
    ("word", "near"),
    [("and", "and"), ("nor", None), ("mouse", None), ("goat", None), ("planet", None), ("Wald", None), ("dgo", "dog"),
     ("bleu", "blue"), ("penguim", "penguin"), ("crabs", "crab"), ("rotated", "rotates"), ("SHIP", "sailboat")],
)  # fmt: skip
def test_only_what_means_the_same_is_nearest(shipped, word, near):
    """Fails when English words may be slips of others: tried ("mouse" was "house", and "planet" was "plane")."""
    assert nearest_known(word, known_words(shipped.path) or frozenset()) == near


SUBJECTS = st.sampled_from(
    ["cat", "rocket", "police car", "ice cream", "flying saucer", "teddy bear", "kitten", "octopus"]
)
ADJECTIVES = st.sampled_from(["", "", "green ", "fluffy ", "very small ", "flying "])
MOVES = ["moves left", "spins", "goes up", "is moving right", "stays still", "gets bigger", "barks", "dances happily"]
PLACES = ["on a red background", "over the grass", "in front of a brick wall", "on green grass", "at the seaside",
          "on beach", "in a dark forest", "under the stars", "by the old mill"]  # fmt: skip
VIEWS = [
    "",
    "",
    ", the camera pans left",
    " and the camera zooms closer",
    ", static camera",
    " while the camera rolls clockwise",
]


@st.composite
def sentences(draw: st.DrawFn) -> tuple[str, list[str], str]:
    """What people write: subjects joined in several ways, with or without a motion, a ground and a camera."""
    subjects = draw(st.lists(SUBJECTS, min_size=1, max_size=3, unique=True))
    joint = draw(st.sampled_from([" and ", ", ", " with ", " near ", ", and "]))
    actors = joint.join(f"{draw(st.sampled_from(['a ', 'the ', '', 'one ']))}{draw(ADJECTIVES)}{it}" for it in subjects)
    motion = draw(st.sampled_from(["", *MOVES]))
    place = draw(st.sampled_from(["", "", *PLACES]))
    lead = draw(st.sampled_from(["", "a video of ", "there is "]))
    ending = draw(st.sampled_from(["", ".", ", 4k", "!"]))
    middle = " ".join(part for part in (f"{lead}{actors}", motion, place) if part)
    first = draw(st.booleans()) and bool(place)
    text = f"{place}, {lead}{actors} {motion}" if first else middle
    return f"{text}{draw(st.sampled_from(VIEWS))}{ending}", [*subjects, motion, place], place


@settings(max_examples=80, deadline=None, derandomize=True)
@given(sentences())
def test_every_ordinary_sentence_keeps_what_it_tells(sentence):
    """Fails when only unknown words are taken for grounds: tried."""
    prompt, told, place = sentence
    known = known_words(SPRITES.path) or frozenset()
    made = enhanced(prompt, SPRITES)
    for phrase in told:
        assert phrase in made.prompt
    added = len(re.findall(r"background is added|a motion is added", "\n".join(made.changes)))
    assert made.prompt.count(" background") - prompt.count(" background") in ((0,) if place else (0, 1))
    assert [it for it in WORD.findall(prompt) if it not in made.prompt] == []
    words = iter(WORD.findall(made.prompt))
    assert all(word in words for word in WORD.findall(prompt)), "another order"
    assert added or made.prompt == " ".join(prompt.split())
    assert set(made.unknown) == {it for it in WORD.findall(prompt) if it not in known and it not in JOINING}
    assert enhanced(made.prompt, SPRITES).prompt == made.prompt


SCRAPS = ["a", "the", "on", "and", "in", "with", "cat", "camera", "moves", "zooms", "fades", "flies", "pan", "left",
          "blue", "background", "house", "truck", ",", ".", "(", ":1.4)", "Ship", "elefant", "mouse"]  # fmt: skip


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.one_of(st.text(), st.lists(st.sampled_from(SCRAPS)).map(" ".join)))
def test_no_text_comes_out_empty_or_is_changed_twice(text):
    made = enhanced(text, SPRITES)
    assert bool(made.prompt.strip()) == bool(text.strip())
    assert enhanced(made.prompt, SPRITES).prompt == made.prompt


@pytest.mark.parametrize("prompt", ["a panda sleeping under a sunflower", "a little frozen pancake"])
def test_long_captions_do_not_contradict_either(open_model, prompt):
    """Fails when "panda" is a camera that pans, and when what sleeps is told to move: seen before it was mended."""
    made = enhanced(prompt, open_model).prompt
    assert "steady camera" in made
    assert "moving naturally" not in made
    assert "soft natural light" in made
    assert enhanced(made, open_model).prompt == made


def test_a_model_that_takes_any_word_is_told_what_long_captions_tell(open_model):
    made = enhanced("An astronaut walks on the moon at night.", open_model)
    assert made.prompt.startswith("An astronaut walks on the moon at night, ")
    assert "camera" in made.prompt
    assert "light" not in made.prompt  # the night is one
    assert "moving" not in made.prompt
    assert in_known_words("any xyzzy", open_model).prompt == "any xyzzy"
