"""Words learned from pictures: what they change, that nothing of them stays, and what is refused."""

import json

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from tests.tiny_families import animatediff, wan
from tests.unit.families.conftest import distance
from vidgen.errors import ModelError, SpecError
from vidgen.families.installation import embedding_for
from vidgen.pipelines import render
from vidgen.runtime.context import RunContext
from vidgen_models.folder_check import sha256
from vidgen_models.registry import ModelRegistry
from vidgen_models.shelf import Shelf
from vidgen_models.words import remarks


@pytest.fixture
def tiny(tiny_of):
    return tiny_of(animatediff.CASES[0])


@pytest.fixture
def learn(tiny, tmp_path):
    """Adds words of random vectors."""
    width = tiny.residency.model(tiny.manifest.id).parts["text_encoder"].get_input_embeddings().embedding_dim
    added = []

    def make(word: str, count: int = 1, seed: int = 0):
        vectors = 5 * torch.randn(count, width, generator=torch.Generator().manual_seed(seed))
        file = tmp_path / f"{word}.safetensors"
        save_file({"emb_params": vectors}, file)
        made = embedding_for(file, [tiny.manifest], word, "mine")
        Shelf(tiny.manifests).put_lora(made)
        added.append(word)
        return made

    yield make
    for word in added:
        Shelf(tiny.manifests).forget_lora(word)


def used(*words: str) -> dict:
    return {"embeddings": list(words)}


def test_a_word_changes_the_frames_and_nothing_of_it_stays(tiny, learn, tmp_path):
    """Fails when the encoder keeps the new embeddings, or the word is left as letters: both tried."""
    toy = learn("toy")
    learn("pair", count=2, seed=1)
    asked = {"prompt": "a red <toy>"}
    letters = tiny.frames(**asked)
    with_word = tiny.frames(**asked, advanced=used("toy"))
    assert distance(letters, with_word) > 0
    assert np.array_equal(with_word, tiny.frames(**asked, advanced=used("toy", "pair")))
    two = tiny.frames(prompt="a red <pair>", advanced=used("toy", "pair"))
    assert distance(two, with_word) > 0
    assert np.array_equal(letters, tiny.frames(**asked))
    encoder = tiny.residency.model(tiny.manifest.id).parts["text_encoder"]
    assert encoder.get_input_embeddings().num_embeddings == encoder.config.vocab_size
    render(tiny.spec(**asked, advanced=used("toy")), RunContext(media=tiny.media), tmp_path, tiny.residency)
    told = json.loads((tmp_path / "receipt.json").read_text())["model"]
    assert told["embeddings"] == [{"id": "toy", "sha256": toy.sha256}]
    assert told["deployed"].endswith("+<toy>")


def test_what_was_not_made_for_the_model_is_refused_by_name(tiny, tiny_of, learn, tmp_path):
    made = learn("wide")
    save_file({"emb_params": torch.zeros(1, 7)}, tmp_path / "seven.safetensors")
    with pytest.raises(
        ModelError, match=r"seven\.safetensors: has 7 numbers a word, the text encoder of tiny-family \d+;"
    ):
        embedding_for(tmp_path / "seven.safetensors", [tiny.manifest], None, "mine")
    # one that was added before its model became another
    seven = {"file": str(tmp_path / "seven.safetensors"), "sha256": sha256(tmp_path / "seven.safetensors")}
    Shelf(tiny.manifests).put_lora(made.model_copy(update=seven))
    with pytest.raises(ModelError, match="embedding=wide: has 7 numbers a word"):
        tiny.frames(prompt="a <wide>", advanced=used("wide"))
    with pytest.raises(SpecError, match=r"advanced\.embeddings: none is not made for tiny-family; there are wide"):
        tiny.spec(advanced=used("none"))
    other = tiny_of(wan.CASES[0])
    with pytest.raises(SpecError, match=r"advanced\.embeddings: tiny-family does not take it"):
        other.spec(advanced=used("wide"))
    with pytest.raises(ModelError, match="its family takes no textual inversion"):
        embedding_for(tmp_path / "wide.safetensors", [other.manifest], None, "mine")
    save_file({"a": torch.zeros(2), "b": torch.zeros(2)}, tmp_path / "two.safetensors")
    with pytest.raises(ModelError, match="holds no embedding"):
        embedding_for(tmp_path / "two.safetensors", [tiny.manifest], None, "mine")


def test_a_word_that_is_loaded_and_not_said_or_said_and_not_loaded_is_told(tiny, learn):
    """Fails when models of which no words are known are never remarked on: seen before it was mended."""
    learn("style")
    manifest = ModelRegistry(tiny.manifests).get(tiny.manifest.id)

    def told(**asked) -> list[tuple[str, str, str]]:
        found = remarks(tiny.spec(**asked), manifest)
        return [(it.field, it.code, it.message) for it in found]

    ((field, code, message),) = told(prompt="a cat", advanced=used("style"))
    assert (field, code) == ("advanced.embeddings", "unused_embedding")
    assert message.endswith("write <style> in a prompt")
    ((field, code, message),) = told(prompt="a <style> cat")
    assert (field, code) == ("prompt", "unnamed_embedding")
    assert message.endswith("add style to advanced.embeddings")
    assert told(prompt="a <style> cat", advanced=used("style")) == []
    assert told(prompt="a cat", negative_prompt="<style>", advanced=used("style")) == []
