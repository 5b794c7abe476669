"""Remarks on prompts: what a model cannot follow in them, such as words that one with a closed vocabulary never saw.

Such a model has a `vocabulary.json` beside its weights, and each word that its captions held is one piece of its
tokenizer; any other falls into letters. Of models without that file nothing is known, and nothing is said.
"""

import json
from collections.abc import Collection, Iterator, Sequence
from functools import lru_cache
from pathlib import Path

from pydantic import Field

from vidgen.spec import SamplingFields
from vidgen.spec.base import SpecModel
from vidgen.spec.offers import texts_of
from vidgen_models.loras import word_of
from vidgen_models.nearest_words import JOINING, nearest_known
from vidgen_models.prompt_parts import WORD
from vidgen_models.registry import VOCABULARY, Manifest

WORD_BEGIN = "\u2581"
SHOWN = 10


class Remark(SpecModel):
    """Something about a request that is no fault, but that its sender would like to know."""

    field: str
    code: str = Field(
        description="`unknown_words`: the model was never shown these words. `unused_embedding`: no text says this "
        "word of an embedding. `unnamed_embedding`: a text says a word whose embedding is not in `advanced.embeddings`."
    )
    words: tuple[str, ...]
    message: str


def remarks(spec: SamplingFields, manifest: Manifest) -> tuple[Remark, ...]:
    """What of the spec's texts its model cannot follow: words that it does not know, embeddings named on one side."""
    known = known_words(manifest.path)
    unknown = () if known is None else (_remark(*found, known, manifest) for found in _unknown(spec, known))
    return (*unknown, *_embedding_remarks(spec, manifest))


def _embedding_remarks(spec: SamplingFields, manifest: Manifest) -> Iterator[Remark]:
    """The word of an embedding counts where a text says it and the embedding is loaded; either alone does nothing."""
    loaded = () if spec.advanced is None else spec.advanced.embeddings
    texts = texts_of(spec)
    for embedding in loaded:
        word = word_of(embedding)
        if not any(word in text for text in texts.values()):
            message = (
                f"advanced.embeddings: no text says {word}, so {embedding} changes nothing; write {word} in a prompt"
            )
            yield Remark(field="advanced.embeddings", code="unused_embedding", words=(word,), message=message)
    for field, text in texts.items():
        for embedding in manifest.rules.embeddings:
            word = word_of(embedding)
            if word in text and embedding not in loaded:
                message = f"{field}: {word} is read as letters; add {embedding} to advanced.embeddings"
                yield Remark(field=field, code="unnamed_embedding", words=(word,), message=message)


@lru_cache(maxsize=16)
def known_words(folder: Path) -> frozenset[str] | None:
    """The words of a model with a closed vocabulary, as they may be spelled; None when that cannot be told."""
    tokenizer = folder / "tokenizer" / "tokenizer.json"
    if not (folder / VOCABULARY).is_file() or not tokenizer.is_file():
        return None
    model = json.loads(tokenizer.read_text())["model"]
    if model["type"] != "Unigram":
        return None
    pieces = (piece for piece, _ in model["vocab"])
    return frozenset(piece[1:] for piece in pieces if piece.startswith(WORD_BEGIN) and len(piece) > 1)


def unknown_in(text: str, known: Collection[str]) -> tuple[str, ...]:
    """Words of a text that the model was never shown, each once and in their order; what only joins others is none."""
    found = (word for word in WORD.findall(text) if word not in known and word.lower() not in JOINING)
    return tuple(dict.fromkeys(found))


def told(unknown: Sequence[str], known: Collection[str], manifest: Manifest) -> str:
    """That the model was never shown these words, and what stands nearest to each."""
    named = ", ".join(_with_nearest(word, known) for word in unknown[:SHOWN])
    more = f" and {len(unknown) - SHOWN} more" if len(unknown) > SHOWN else ""
    return f"{manifest.id} was never shown {named}{more}; `vidgen models show {manifest.id}` lists what it knows"


def _unknown(spec: SamplingFields, known: Collection[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    for field, text in texts_of(spec).items():
        if unknown := unknown_in(text, known):
            yield field, unknown


def _remark(field: str, unknown: tuple[str, ...], known: Collection[str], manifest: Manifest) -> Remark:
    message = f"{field}: {told(unknown, known, manifest)}"
    return Remark(field=field, code="unknown_words", words=unknown, message=message)


def _with_nearest(word: str, known: Collection[str]) -> str:
    near = nearest_known(word, known)
    return f'"{word}" (nearest: "{near}")' if near else f'"{word}"'
