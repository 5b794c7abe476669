"""What several families' folders hold: tokenizers, text and image encoders, the index."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import (
    CLIPImageProcessor,
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTokenizer,
    CLIPVisionConfig,
    T5Config,
    T5EncoderModel,
    T5Tokenizer,
    UMT5Config,
    UMT5EncoderModel,
)

WORDS = ["a red cat moves left on a blue background", "the green dog spins slowly", "up down right grows shrinks"]
TEXT_DIM = 32


@dataclass(frozen=True)
class Case:
    """How a tiny model of a family is made and asked: `effects` are changes that must change its frames."""

    name: str
    build: Callable[[Path], Path]
    task: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    effects: tuple[str, ...] = ("seed", "prompt")
    previews: bool = True
    follows: tuple[str, ...] = ()
    """What its control network was trained on, as whoever adds it says."""
    exact: bool = True
    """Whether the frames are those of one call of the library's pipeline."""


def t5_tokenizer(folder: Path) -> None:
    unigram = Tokenizer(models.Unigram())
    unigram.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.UnigramTrainer(vocab_size=100, special_tokens=["<pad>", "</s>", "<unk>"], unk_token="<unk>")
    unigram.train_from_iterator(WORDS * 4, trainer)
    vocabulary = [(token, score) for token, score in json.loads(unigram.to_str())["model"]["vocab"]]
    T5Tokenizer(vocab=vocabulary, extra_ids=0).save_pretrained(folder)


def t5_encoder(folder: Path) -> None:
    sizes = {"vocab_size": 128, "d_model": TEXT_DIM, "d_kv": 16, "d_ff": 64, "num_layers": 1, "num_heads": 2}
    T5EncoderModel(T5Config(**sizes, dropout_rate=0.0, pad_token_id=0)).save_pretrained(folder)


def umt5_encoder(folder: Path) -> None:
    sizes = {"vocab_size": 128, "d_model": TEXT_DIM, "d_kv": 16, "d_ff": 64, "num_layers": 1, "num_heads": 2}
    UMT5EncoderModel(UMT5Config(**sizes, dropout_rate=0.0, pad_token_id=0)).save_pretrained(folder)


def clip_tokenizer(folder: Path) -> None:
    """Byte-pair encoding over letters: enough to tell prompts apart."""
    letters = [chr(code) for code in range(33, 127)]
    tokens = ["<|startoftext|>", "<|endoftext|>", *letters, *(letter + "</w>" for letter in letters)]
    vocabulary = {token: number for number, token in enumerate(tokens)}
    CLIPTokenizer(vocab=vocabulary, merges=[]).save_pretrained(folder)


def clip_text(folder: Path, *, projection: int = TEXT_DIM) -> None:
    sizes = {"vocab_size": 256, "hidden_size": TEXT_DIM, "intermediate_size": 64, "num_hidden_layers": 1}
    ends = {"bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 1, "projection_dim": projection}
    CLIPTextModel(CLIPTextConfig(**sizes, **ends, num_attention_heads=2)).save_pretrained(folder)


def clip_vision(folder: Path, kind: Any, *, side: int = 32) -> None:
    sizes = {"hidden_size": TEXT_DIM, "intermediate_size": 64, "num_hidden_layers": 2, "projection_dim": TEXT_DIM}
    kind(CLIPVisionConfig(**sizes, image_size=side, patch_size=side // 2, num_attention_heads=2)).save_pretrained(
        folder
    )


def clip_processor(folder: Path, *, side: int = 32) -> None:
    CLIPImageProcessor(size={"shortest_edge": side}, crop_size={"height": side, "width": side}).save_pretrained(folder)


def write_index(folder: Path, pipeline: str, components: Mapping[str, tuple[str, str]], **more: Any) -> Path:
    """`model_index.json`: the pipeline's class, and library and class of every component."""
    index = {"_class_name": pipeline, **{name: list(value) for name, value in components.items()}, **more}
    (folder / "model_index.json").write_text(json.dumps(index))
    return folder
