"""Compares ways to read a prompt, in one run: the text encoder that was trained with the transformer, the same with
words added by meaning (synonyms.py), and a sentence encoder whose words a small network leads into the transformer's.

Run `python -m training.compare_text --model FOLDER`. The transformer is the same for all and is not tuned for any. Two
sets of prompts: wordings never trained on, and words that no caption held and no list of ours names. The control is the
same clips judged against other prompts. Prints a table in Markdown.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

import numpy as np
import torch
from torch import Tensor, nn

from training.captions import HELD_OUT_TEMPLATES, TEMPLATES, Scene, caption, random_scene
from training.evaluate import even_scenes, generate, shuffled
from training.judges import Judges
from training.networks import embed_text
from training.sampling import Generator, Settings
from training.synonyms import SentenceEncoder, extend, meaningful_words, nearest_known
from training.tokenizer import MAX_LENGTH

UNIT = re.compile(r"[a-z]+|[.,]")
STRICTNESS = (0.62, 0.7)
SUBJECTS = dict(
    line.split()
    for line in """
kitty cat
feline cat
hound dog
hog pig
hare rabbit
stallion horse
mare horse
serpent snake
toad frog
orca whale
squid octopus
taxi car
vehicle car
jet airplane
aircraft airplane
chopper helicopter
missile rocket
yacht sailboat
ferry sailboat
trombone trumpet
android robot
phantom ghost
spirit ghost
cottage house
mansion house
jewel diamond
torch flame
panther lion
""".strip().splitlines()
)
MOTIONS = {
    "ascends": "up",
    "climbs": "up",
    "descends": "down",
    "plunges": "down",
    "twirls": "spin",
    "revolves": "spin",
    "enlarges": "grow",
    "swells": "grow",
    "diminishes": "shrink",
    "dwindles": "shrink",
}
COLOURS = {"crimson": "red", "scarlet": "red", "azure": "blue", "navy": "blue", "emerald": "green", "golden": "yellow"}
COLOURS |= {"violet": "purple", "lavender": "purple", "ebony": "black", "ivory": "white"}


class Reader(nn.Module):
    """A sentence encoder's words as the transformer knows words: two layers, trained to give what the transformer's own
    encoder gives for each word of a caption."""

    def __init__(self, encode: SentenceEncoder, width: int) -> None:
        super().__init__()
        self.sentence = encode
        self.layers = nn.Sequential(nn.Linear(384, 512), nn.GELU(), nn.Linear(512, width))

    @torch.no_grad()
    def units(self, prompts: Sequence[str]) -> list[Tensor]:
        """Of each prompt a vector a word or comma, and one for its end: n + 1, 384."""
        words = [UNIT.findall(prompt.lower()) or ["."] for prompt in prompts]
        tokens = self.sentence.tokenizer(words, is_split_into_words=True, padding=True, return_tensors="pt")
        hidden = self.sentence.network(tokens.input_ids, tokens.attention_mask).last_hidden_state
        found = []
        for row, own in enumerate(words):
            place = [-1 if w is None else w for w in tokens.word_ids(row)]
            of = torch.tensor(place)
            ends = int(tokens.attention_mask[row].sum()) - 1
            means = [hidden[row, of == number].mean(0) for number in range(len(own))]
            found.append(torch.stack([*means, hidden[row, ends]]))
        return found

    @torch.no_grad()
    def __call__(self, prompts: Sequence[str]) -> Tensor:
        """B MAX_LENGTH width, zeros after a prompt's end."""
        text = torch.zeros(len(prompts), MAX_LENGTH, self.layers[-1].out_features)
        for row, units in enumerate(self.units(prompts)):
            text[row, : len(units)] = self.layers(units)[:MAX_LENGTH]
        return text


def train_reader(generator: Generator, encode: SentenceEncoder, captions: int, rounds: int) -> Reader:
    """On wordings of training alone."""
    rng = np.random.default_rng(51)
    own, width = generator.pipeline, generator.pipeline.text_encoder.config.d_model
    reader, given, wanted = Reader(encode, width), list[Tensor](), list[Tensor]()
    for _ in range(captions // 64):
        prompts = [caption(random_scene(rng, scenic=True), rng) for _ in range(64)]
        with torch.no_grad():
            target = embed_text(own.tokenizer, own.text_encoder, prompts)
        for row, units in enumerate(reader.units(prompts)):
            pieces = int((target[row].abs().sum(-1) > 0).sum())
            if pieces == len(units):  # word for word; wordings that their tokenizer splits otherwise are left out
                given.append(units)
                wanted.append(target[row, :pieces])
    x, y = torch.cat(given), torch.cat(wanted)
    optimiser = torch.optim.AdamW(reader.layers.parameters(), 2e-3, weight_decay=0.01)
    for step in range(rounds):
        optimiser.param_groups[0]["lr"] = 2e-3 * (1 - step / rounds)
        index = torch.randint(len(x), (1024,))
        loss = (reader.layers(x[index]) - y[index]).square().mean() / y.var()
        loss.backward()
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
    print(f"{len(given)} captions; unexplained at the end: {loss.item():.3f}", flush=True)
    return reader.eval()


@dataclass(frozen=True, slots=True, eq=False)
class ReadBy(Generator):
    """A generator that reads prompts through `reader`."""

    reader: Reader

    def text(self, prompts: list[str]) -> Tensor:
        text = self.reader(prompts)
        text[[not prompt for prompt in prompts]] = Generator.text(self, [""])[0]
        return text


def unheard(count: int) -> tuple[list[Scene], list[str]]:
    """Scenes said with words that training never heard: the subject's always, motion's and colour's in turn."""
    scenes, prompts = [], []
    for number in range(count):
        word = list(SUBJECTS)[number % len(SUBJECTS)]
        moves = list(MOTIONS)[number % len(MOTIONS)]
        colour = list(COLOURS)[(number * 3 + number // 10) % len(COLOURS)]
        scenes.append(Scene(SUBJECTS[word], MOTIONS[moves], COLOURS[colour]))
        prompts.append(f"a {word} {moves} on {'an' if colour[0] in 'aei' else 'a'} {colour} background")
    return scenes, prompts


def report(name: str, generator: Generator, judges: Judges, sets: dict[str, tuple[list[Scene], list[str]]]) -> None:
    for label, (scenes, prompts) in sets.items():
        clips = generate(generator, prompts, Settings(steps=8), 3000)
        scores, control = judges.scores(clips, scenes), judges.scores(clips, shuffled(scenes))
        figures = [f"{100 * v.mean():.0f} ({100 * control[k].mean():.0f}) %" for k, v in scores.items()]
        print(f"| {name} | {label} | {len(scenes)} | {' | '.join(figures)} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--cache", type=Path, default=Path("training-cache"))
    parser.add_argument("--work", type=Path, default=Path("training-work"))
    parser.add_argument("--count", type=int, default=56)
    parser.add_argument("--captions", type=int, default=1600)
    parser.add_argument("--rounds", type=int, default=1500)
    args = parser.parse_args()
    judges, generator, encode = (
        Judges.load(args.work / "judges.pt"),
        Generator.load(args.model),
        SentenceEncoder(args.cache),
    )
    rng = np.random.default_rng(61)
    known = even_scenes(args.count, False, rng, judges.known)
    worded = [caption(s, rng, HELD_OUT_TEMPLATES if n % 2 else TEMPLATES[-3:]) for n, s in enumerate(known)]
    sets = {"wordings": (known, worded), "unheard words": unheard(args.count)}
    print("| text | prompts | n | subject (shuffled) | motion | background |\n|---|---|---|---|---|---|")
    report("trained with the transformer", generator, judges, sets)
    tokenizer = generator.pipeline.tokenizer
    pieces = {piece[1:] for piece in tokenizer.get_vocab() if piece.startswith("▁")}
    targets = [word for word in meaningful_words() if word in pieces]
    new = [word for word in {*encode.words(), *SUBJECTS, *MOTIONS, *COLOURS} if word not in pieces]
    for alike in STRICTNESS:
        with TemporaryDirectory() as folder:
            added = extend(args.model, Path(folder), nearest_known(new, targets, encode, alike))
            report(f"with {added // 2} words by meaning, {alike:g}", Generator.load(Path(folder)), judges, sets)
    begin = monotonic()
    reader = train_reader(generator, encode, args.captions, args.rounds)
    led = ReadBy(generator.pipeline, generator.base, generator.side, reader)
    report(f"sentence encoder, {monotonic() - begin:.0f} s of training", led, judges, sets)


if __name__ == "__main__":
    main()
