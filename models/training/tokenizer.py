"""Builds the Unigram tokenizer from the words of the captions and wraps it as transformers' T5Tokenizer.

Every word that a caption can hold is one piece, plain and capitalised; any other word falls into letters.
"""

from __future__ import annotations

import math
import re
import string
from collections import Counter, defaultdict
from collections.abc import Iterator

import numpy as np
from transformers import T5Tokenizer

from training.captions import (
    HELD_OUT_PAIR_TEMPLATES,
    HELD_OUT_TEMPLATES,
    PAIR_TEMPLATES,
    PARTICIPLE,
    PLACES,
    SOMETHING,
    TEMPLATES,
    THIRD_PERSON,
    VIEWS,
    caption,
    random_scene,
)
from training.places import ANY
from training.subjects import COMMON, Library

MAX_LENGTH = 32
LETTER_SCORE = -20.0
SPECIAL_TOKENS = ("<pad>", "</s>", "<unk>")


def corpus(count: int = 40_000, library: Library = COMMON) -> Iterator[str]:
    """Captions of every pair in every wording, and every name."""
    rng = np.random.default_rng(0)
    for _ in range(count):
        scene = random_scene(rng, None, scenic=True, library=library)
        yield caption(scene, rng, TEMPLATES + HELD_OUT_TEMPLATES, library)
    yield from (template.format_map(defaultdict(str)) for template in PAIR_TEMPLATES + HELD_OUT_PAIR_TEMPLATES)
    yield from (word for subject in library.subjects for word in subject.words)
    yield from (SOMETHING, *THIRD_PERSON[ANY], *PARTICIPLE[ANY])
    yield from (words for wordings in (*PLACES.values(), *VIEWS.values()) for words in wordings)


def build_tokenizer(library: Library = COMMON) -> T5Tokenizer:
    """A tokenizer of at most MAX_LENGTH tokens a caption; the pieces' scores are their log frequencies."""
    counts = Counter(word for text in corpus(library=library) for word in re.findall(r"[a-z]+", text.lower()))
    total = sum(counts.values())
    pieces: dict[str, float] = dict.fromkeys(SPECIAL_TOKENS, 0.0)
    for word, count in sorted(counts.items()):
        score = math.log(count / total)
        pieces["▁" + word] = score
        pieces.setdefault("▁" + word.capitalize(), score)
    for letter in string.ascii_letters + string.digits + string.punctuation:
        pieces.setdefault(letter, LETTER_SCORE)
    pieces[","] = pieces["."] = -3.0
    pieces["▁"] = -5.0
    return T5Tokenizer(vocab=list(pieces.items()), extra_ids=0, model_max_length=MAX_LENGTH)
