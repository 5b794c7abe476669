"""Weights of a prompt's parts, laid on what a text encoder makes of it.

A text encoder mixes the words: scaling a word's own embedding changes little, as its neighbours hold it, too. So the
text is encoded once more with the words hidden from it, and the difference is what they bring:
`E + Σ (w - 1)·(E - E_without)`. Weight 1 is the prompt itself, 0 the prompt without the words, above 1 goes beyond.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from vidgen.errors import ModelError
from vidgen.spec.prompt_weights import Emphasis, WeightedText

Encode = Callable[[Tensor], Tensor]
"""An attention mask `[1, tokens]` to embeddings `[1, tokens, dim]`."""


def weighted(embedding: Tensor, text: WeightedText, offsets: Tensor, attention: Tensor, encode: Encode) -> Tensor:
    """The embedding `[1, tokens, dim]` of a text with its weights laid on; `encode` makes it anew for another mask.

    `offsets` `[tokens, 2]` say which characters each token is of, `attention` `[1, tokens]` which are read.
    """
    result = embedding
    for emphasis in text.emphases:
        without = attention * ~covered(offsets, emphasis).to(attention.device)
        hidden = encode(without) * without[..., None].to(embedding.dtype) if without.any() else 0.0 * embedding
        kept = embedding * attention[..., None].to(embedding.dtype)
        result = result + (emphasis.weight - 1.0) * (kept - hidden)
    return result


def covered(offsets: Tensor, emphasis: Emphasis) -> Tensor:
    """Which tokens hold a character of it, `bool [tokens]`; those that mark ends hold none."""
    begin, end = offsets[:, 0], offsets[:, 1]
    return (begin < emphasis.end) & (end > emphasis.begin) & (end > begin)


@contextmanager
def weighing(tokenizer: Any, encoder: Any, texts: Sequence[WeightedText]) -> Iterator[None]:
    """While it lasts, `encoder` lays their weights on these texts, whoever asks it; other texts are as ever.

    For pipelines that encode prompts by themselves. Raises ModelError at the end when a text was never asked for.
    """
    marked = [text for text in texts if text.emphases]
    if not marked:
        yield
        return
    plain, found = encoder.forward, set[int]()

    def forward(input_ids: Tensor, attention_mask: Tensor | None = None, **named: Any) -> Any:
        output = plain(input_ids, attention_mask=attention_mask, **named)
        read = torch.ones_like(input_ids) if attention_mask is None else attention_mask
        rows = list(output.last_hidden_state.split(1))
        for n, ids in enumerate(input_ids):
            for number, text in enumerate(marked):
                offsets = _offsets(tokenizer, text, ids)
                if offsets is None:
                    continue
                found.add(number)

                def encode(mask: Tensor, row: Tensor = input_ids[n : n + 1]) -> Tensor:
                    again: Tensor = plain(row, attention_mask=mask, **named).last_hidden_state
                    return again

                rows[n] = weighted(rows[n], text, offsets, read[n : n + 1].to(torch.long), encode)
                break
        output.last_hidden_state = torch.cat(rows)
        return output

    encoder.forward = forward
    try:
        yield
    finally:
        encoder.forward = plain
    if len(found) < len(marked):
        raise ModelError("prompt: its weights could not be laid on what this model makes of the text; leave them out")


def _offsets(tokenizer: Any, text: WeightedText, ids: Tensor) -> Tensor | None:
    """Which characters the tokens `ids` are of, when they are this text's."""
    made = tokenizer(
        [text.text],
        padding="max_length",
        max_length=len(ids),
        truncation=True,
        return_offsets_mapping=True,
        return_tensors="pt",
    )
    same = torch.equal(made.input_ids[0], ids.cpu())
    offsets: Tensor = made.offset_mapping[0]
    return offsets if same else None
