"""More subjects out of a package of names: plain ones that mean nothing else, with synonyms that short names confirm;
the common ones stay as they are."""

import json
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from transformers import T5Tokenizer

from training import emojibase, sources
from training.captions import caption, is_held_out, random_pair, random_scene
from training.emojibase import more_subjects
from training.places import ALIVE, MOTIONS
from training.subjects import COMMON, Library, Subject
from training.tokenizer import MAX_LENGTH, build_tokenizer, corpus

ENTRIES = (
    ("1F98D", "gorilla", 3, ["animal", "silverback"]),
    ("1F99B", "Hippopotamus", 3, ["animal", "hippo"]),
    ("1F5FF-FE0F", "moai", 7, ["stone", "statue"]),
    ("1F95D", "kiwi fruit", 4, ["kiwi", "tiger"]),
    ("1F4D7", "green book", 7, []),  # a colour
    ("1F453", "glasses", 7, []),  # a plural
    ("1F575", "detective", 1, []),  # people
    ("1F55B", "twelve o’clock", 5, []),  # no plain name
    ("1F408", "cat", 3, []),  # one of the common ones
    ("1F4A3", "bomb", 7, []),  # has no picture
)
SHORT = {"1F99B": "hippo", "1F5FF-FE0F": ["moyai", "stone"], "1F95D": ["kiwi", "tiger"], "1F98D": "gorilla_face"}


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    names = tmp_path / sources.NAMES.folder / "package" / "en"
    (names / "shortcodes").mkdir(parents=True)
    told = [{"hexcode": c, "label": label, "group": group, "tags": tags} for c, label, group, tags in ENTRIES]
    (names / "data.json").write_text(json.dumps(told))
    for name in emojibase.SHORT_NAMES:
        (names / "shortcodes" / f"{name}.json").write_text(json.dumps(SHORT if name == "github" else {}))
    still = tmp_path / sources.SPRITES.folder / "package" / "assets"
    moving = tmp_path / sources.ANIMATIONS[0].folder / "package" / "assets"
    for package in (sources.SPRITES, *sources.ANIMATIONS):
        (tmp_path / package.folder / "package" / "assets").mkdir(parents=True)
    picture = Image.fromarray(np.full((8, 8, 4), 255, np.uint8))
    for code in ("1f98d", "1f99b", "1f5ff", "1f95d", "1f4d7", "1f453", "1f575", "1f55b", "1f408"):
        picture.save(still / f"{code}.webp")
        other = Image.fromarray(np.full((8, 8, 4), 9, np.uint8))
        picture.save(moving / f"{code}.webp", save_all=True, append_images=[other] if code == "1f98d" else [])
    return tmp_path


def test_names_that_mean_something_else_are_left_out(cache: Path) -> None:
    """Fails when labels are taken as they are: tried."""
    found = more_subjects(cache, 99)
    assert found.subjects[: len(COMMON)] == COMMON.subjects
    assert [s.name for s in found.subjects[len(COMMON) :]] == ["gorilla", "hippopotamus", "moai", "kiwi fruit"]
    assert [s.codepoint for s in found.subjects[-2:]] == ["1f5ff", "1f95d"], "packages differ in selectors"
    assert len(more_subjects(cache, 2)) == len(COMMON) + 2


def test_a_tag_is_a_synonym_where_a_short_name_confirms_it_and_nothing_else_has_it(cache: Path) -> None:
    """Fails when any tag of one subject alone is taken ("silverback" may be, "stone" is no name): tried."""
    words = more_subjects(cache, 99).words
    assert words["hippopotamus"] == ("hippopotamus", "hippo")
    assert words["gorilla"] == ("gorilla",)
    assert words["kiwi fruit"] == ("kiwi fruit", "kiwi"), "a tiger is another"


def test_what_does_not_move_by_itself_is_never_said_to_come_alive(cache: Path) -> None:
    library = more_subjects(cache, 99)
    assert [s.animated for s in library.subjects[len(COMMON) :]] == [True, False, False, False]
    rng = np.random.default_rng(0)
    alive = {s.subject for s in (random_scene(rng, motions=[ALIVE], library=library) for _ in range(2000))}
    assert "gorilla" in alive
    assert alive.isdisjoint({"hippopotamus", "moai", "kiwi fruit"})


def test_the_library_reaches_scenes_captions_pairs_and_tokenizer(cache: Path) -> None:
    library, rng = more_subjects(cache, 99), np.random.default_rng(1)
    scenes = [random_scene(rng, library=library) for _ in range(1500)]
    drawn = {scene.subject for scene in scenes}
    assert {"gorilla", "moai", "kiwi fruit"} <= drawn
    assert not any(is_held_out(scene.subject, scene.motion) for scene in scenes)
    said = {w for s in scenes if s.subject == "hippopotamus" for w in caption(s, rng, library=library).lower().split()}
    assert {"hippopotamus", "hippo"} <= said
    pairs = [random_pair(rng, library=library) for _ in range(400)]
    assert "moai" in {scene.other for scene in pairs}
    known = {text for text in corpus(10, library) if text in ("hippo", "kiwi fruit")}
    assert known == {"hippo", "kiwi fruit"}


def test_the_longest_captions_of_two_words_a_name_fit() -> None:
    long = Library(tuple(Subject(str(n), (f"mountain {word}",)) for n, word in enumerate(("cableway", "railway"))))
    tokenizer, rng = build_tokenizer(long), np.random.default_rng(2)
    for _ in range(300):
        for scene in (random_pair(rng, library=long), random_scene(rng, None, scenic=True, library=long)):
            assert len(tokenizer.tokenize(caption(scene, rng, library=long))) < MAX_LENGTH


def test_the_common_subjects_and_their_tokenizer_are_those_that_the_shipped_weights_know(
    tokenizer: T5Tokenizer,
) -> None:
    """Fails when a subject is added to the common ones, or captions are drawn otherwise: tried."""
    assert len(COMMON) == 104
    assert len(MOTIONS) == 12
    vocabulary = json.loads(tokenizer.backend_tokenizer.to_str())["model"]["vocab"]
    pieces = " ".join(f"{piece} {score:.4f}" for piece, score in vocabulary)
    assert sha256(pieces.encode()).hexdigest()[:16] == "d4b096634c3df840"
