"""Asks a model for every wording of every motion that it knows: a word that training left behind hides in a mean.

Run `python -m training.evaluate_wordings --model <folder>`. Every wording is asked of three subjects over three
grounds; the judges of motions see the clips. Wordings of which no clip moves as told are named at the end.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from training import figures
from training.captions import PARTICIPLE, THIRD_PERSON
from training.evaluate import generate, motions_of
from training.judges import Judges
from training.sampling import Generator, Settings

ASKED_OF = (("cat", "blue"), ("car", "red"), ("apple", "green"))


def wordings(motions: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """A motion and one of its wordings, as it follows the subject."""
    for forms, before in ((THIRD_PERSON, ""), (PARTICIPLE, "is ")):
        for motion in motions:
            for words in forms[motion]:
                yield motion, before + words


def followed(generator: Generator, judges: Judges, motion: str, words: str, steps: int) -> float:
    """The share of clips that move so."""
    prompts = [f"a {subject} {words} on a {colour} background" for subject, colour in ASKED_OF]
    seen = judges.motions(generate(generator, prompts, Settings(steps, 3.0), 7))
    return sum(found == motion for found in seen) / len(seen)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--cache", type=Path, help="not needed; taken so that all evaluations are called alike")
    parser.add_argument("--work", type=Path, default=Path("training-work"))
    parser.add_argument("--steps", type=int, default=8)
    args = parser.parse_args()
    judges, generator = Judges.load(args.work / "judges.pt"), Generator.load(args.model)
    known = tuple(motion for motion in motions_of(args.model) if motion in judges.known)
    shares: dict[str, float] = {}
    for motion, words in wordings(known):
        shares[words] = round(followed(generator, judges, motion, words, args.steps), 2)
        print(f"{motion:8} {words:24} {shares[words]:.0%}", flush=True)
    lost = [words for words, share in shares.items() if share == 0]
    mean = sum(shares.values()) / len(shares)
    print(f"{len(shares)} wordings, {mean:.0%} of the clips as told; never followed: {', '.join(lost) or 'none'}")
    values = {"wordings": len(shares), "followed": round(mean, 3), "never followed": len(lost)}
    figures.keep(args.work, "wordings", "python -m training.evaluate_wordings", figures.named(args.model), values)


if __name__ == "__main__":
    main()
