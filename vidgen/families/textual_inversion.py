"""Words learned from pictures (textual inversion, Gal et al. 2022, arXiv:2208.01618): new embeddings for one run.

The word of an embedding is its id in angle brackets. A file holds one vector, or several that stand for one word
together, which pipelines write out as the word, the word with `_1`, and so on.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from vidgen.errors import ModelError
from vidgen.families.merged_lora import checked_lora
from vidgen_models.loras import LoraManifest, word_of


@contextmanager
def worded(pipeline: Any, embeddings: Sequence[str], known: Mapping[str, LoraManifest]) -> Iterator[None]:
    """The pipeline's tokenizer and text encoder with these words; as they were when the run is over, however it ends.

    Raises ModelError for one that is gone, changed, or made for another text encoder.
    """
    if not embeddings:
        yield
        return
    tokenizer, encoder = pipeline.tokenizer, pipeline.text_encoder
    whole: nn.Embedding = encoder.get_input_embeddings()
    names, rows = [], [whole.weight.detach()[: len(tokenizer)]]
    for embedding_id in embeddings:
        vectors = vectors_of(checked_lora(embedding_id, known).path)
        if vectors.shape[1] != whole.embedding_dim:
            raise ModelError(
                f"embedding={embedding_id}: has {vectors.shape[1]} numbers a word, this model's text encoder "
                f"{whole.embedding_dim}; it was made for another"
            )
        word = word_of(embedding_id)
        names += [word, *(f"{word}_{n}" for n in range(1, len(vectors)))]
        rows.append(vectors.to(whole.weight))
    pipeline.tokenizer = deepcopy(tokenizer)
    pipeline.tokenizer.add_tokens(names)
    table = torch.cat(rows)
    encoder.set_input_embeddings(nn.Embedding(table.shape[0], table.shape[1], _weight=table).requires_grad_(False))
    try:
        yield
    finally:
        encoder.set_input_embeddings(whole)
        pipeline.tokenizer = tokenizer


def vectors_of(file: Path) -> Tensor:
    """`[vectors, dim]` of an embedding's file, which holds one tensor. Raises ModelError for any other."""
    tensors = list(load_file(file).values())
    if len(tensors) != 1 or tensors[0].ndim not in (1, 2):
        raise ModelError(f"{file.name}: holds no embedding; that is one tensor of a vector or a few")
    return tensors[0].reshape(-1, tensors[0].shape[-1]).float()
