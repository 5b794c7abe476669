"""New words by the meaning of known ones: they read as these, and nothing that was known changes."""

from pathlib import Path

import pytest
import torch
from torch import Tensor
from transformers import T5Tokenizer, UMT5EncoderModel

from training.compare_text import COLOURS, MOTIONS, SUBJECTS, unheard
from training.networks import build_text_encoder, embed_text
from training.presets import TransformerPreset
from training.synonyms import extend, meaningful_words, nearest_known, with_words

TINY = TransformerPreset(2, 16, 2, 64, (0,), 16, 1, minutes=1, batch=1)
MEANINGS = {"feline": "cat", "ascends": "rises", "thing": "nowhere", "cat": "dog"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, tokenizer: T5Tokenizer) -> Path:
    torch.manual_seed(0)
    made = tmp_path_factory.mktemp("model")
    build_text_encoder(TINY, tokenizer).half().save_pretrained(made / "text_encoder")
    tokenizer.save_pretrained(made / "tokenizer")
    return made


def read(folder: Path, *prompts: str) -> Tensor:
    tokenizer = T5Tokenizer.from_pretrained(folder / "tokenizer")
    encoder = UMT5EncoderModel.from_pretrained(folder / "text_encoder", dtype=torch.float32).eval()
    with torch.no_grad():
        return embed_text(tokenizer, encoder, list(prompts))


def test_a_new_word_reads_as_the_known_one_that_it_means(folder: Path, tmp_path: Path) -> None:
    """Before, the word fell into letters."""
    pieces = extend(folder, tmp_path / "more", MEANINGS)
    assert pieces == 4, "two words, plain and capitalised; what is known or means nothing known is left out"
    new, old = "a feline ascends on a blue background", "a cat rises on a blue background"
    one, other = read(tmp_path / "more", new, old)
    torch.testing.assert_close(one, other)
    before, _ = read(folder, new, old)
    assert (before - other).abs().max() > 0.1


def test_prompts_of_known_words_read_as_before(folder: Path, tmp_path: Path) -> None:
    extend(folder, tmp_path / "more", MEANINGS)
    prompts = ("a dog moves left on a red background", "A cat spins, the camera pans left.", "")
    torch.testing.assert_close(read(tmp_path / "more", *prompts), read(folder, *prompts))


def test_a_known_word_can_be_read_as_another(folder: Path, tmp_path: Path) -> None:
    """Fails when new words take the embedding from before: tried."""
    extend(folder, tmp_path / "out", {"dwindles": "shrinks"}, {"shrinks": "contracts"})
    for word, like in (("shrinks", "contracts"), ("Shrinks", "Contracts"), ("dwindles", "contracts")):
        assert torch.equal(read(tmp_path / "out", f"a cat {word}"), read(folder, f"a cat {like}")), word
    assert torch.equal(read(tmp_path / "out", "a cat grows"), read(folder, "a cat grows"))


def test_every_spelling_is_one_piece(tokenizer: T5Tokenizer) -> None:
    extended, rows = with_words(tokenizer, torch.arange(float(len(tokenizer)))[:, None], MEANINGS)
    assert extended.tokenize("Feline feline") == ["▁Feline", "▁feline"]
    assert len(tokenizer.tokenize("feline")) > 3
    places = extended.get_vocab()
    assert rows[places["▁feline"]] == rows[places["▁cat"]]
    assert rows[places["▁Feline"]] == rows[places["▁Cat"]]


def test_only_what_is_near_enough_is_taken() -> None:
    vectors = {"cat": (1.0, 0.0), "sky": (0.0, 1.0), "feline": (0.9, 0.436), "tax": (0.6, 0.5)}

    def encode(words: list[str]) -> Tensor:
        return torch.tensor([vectors[word] for word in words])

    assert nearest_known(["feline", "tax"], ["cat", "sky"], encode, alike=0.8) == {"feline": "cat"}  # type: ignore[arg-type]


def test_words_that_only_join_others_mean_nothing() -> None:
    known = meaningful_words()
    assert {"cat", "rises", "blue", "meadow", "spinning", "teddy"} <= set(known)
    assert not {"the", "and", "background", "that", "hot", "turns"} & set(known)


def test_the_comparison_asks_in_words_that_no_caption_holds(tokenizer: T5Tokenizer) -> None:
    pieces = tokenizer.get_vocab()
    assert not [word for word in (*SUBJECTS, *MOTIONS, *COLOURS) if "▁" + word in pieces]
    scenes, prompts = unheard(56)
    assert {scene.motion for scene in scenes} == set(MOTIONS.values())
    for scene, prompt in zip(scenes, prompts, strict=True):
        subject, moves = prompt.split()[1:3]
        assert (SUBJECTS[subject], MOTIONS[moves]) == (scene.subject, scene.motion)
