r"""How much parts of a prompt count: `a (red:1.4) cat` for more, `(red:0.5)` for less, `(red:0)` for not at all.

Other brackets that mean such things elsewhere are refused, so that nobody believes they did something. A bracket that
is meant as a letter is written `\(`. Knows no tokenizer.
"""

import re
from dataclasses import dataclass

from vidgen.errors import SpecError

LEAST, MOST = 0.0, 2.0
WEIGHTED = re.compile(r"\(([^()\[\]\\:]+):\s*(\d+(?:\.\d+)?|\.\d+)\s*\)")
ESCAPED = re.compile(r"\\([()\[\]\\])")
PLAIN = re.compile(r"[^()\[\]\\]+|\\[()\[\]\\]|\\")
ALMOST = re.compile(r"\(([^()\[\]\\:]*):[^()]*\)?")
DOUBLED = re.compile(r"(\(+)\(([^()\[\]\\:]+)\)+")
BRACKETED = re.compile(r"\[+([^()\[\]\\:]*)\]*")
USUAL = 1.1
"""What one pair of round brackets means where they stand for a weight; square ones are its inverse."""


@dataclass(frozen=True, slots=True)
class Emphasis:
    """Characters `begin` to `end` of a text, and how much they count."""

    begin: int
    end: int
    weight: float


@dataclass(frozen=True, slots=True)
class WeightedText:
    """A prompt without its marks, and what they said."""

    text: str
    emphases: tuple[Emphasis, ...] = ()


def has_weights(prompt: str) -> bool:
    """Whether any part of it is written with a weight."""
    return WEIGHTED.search(prompt) is not None


def weighted_text(prompt: str, field: str = "prompt") -> WeightedText:
    """Raises SpecError naming the field, what is not understood, and how it would be written."""
    text, emphases, at = "", [], 0
    while at < len(prompt):
        if found := WEIGHTED.match(prompt, at):
            weight = _within(float(found[2]), found[0], field)
            emphases.append(Emphasis(len(text), len(text) + len(found[1]), weight))
            text += found[1]
        elif found := PLAIN.match(prompt, at):
            text += ESCAPED.sub(r"\1", found[0])
        else:
            found = _bracket(prompt, at, field)
            text += found[0]
        at = found.end()
    return WeightedText(text, tuple(emphases))


def _bracket(prompt: str, at: int, field: str) -> re.Match[str]:
    """A lone bracket, which is a letter as any other. Raises SpecError for what looks like a weight and is none."""
    if found := DOUBLED.match(prompt, at):
        raise _refused(field, found[0], f"({found[2]}:{USUAL ** (len(found[1]) + 1):.3g})")
    if found := ALMOST.match(prompt, at):
        raise _refused(field, found[0], f"({found[1].strip() or 'words'}:{USUAL})")
    if found := BRACKETED.match(prompt, at):
        raise _refused(field, found[0], f"({found[1].strip() or 'words'}:{1 / USUAL:.1f})")
    letter = re.compile(r"[()\]]").match(prompt, at)
    assert letter is not None, prompt[at]
    return letter


def _within(weight: float, written: str, field: str) -> float:
    if not LEAST <= weight <= MOST:
        nearest = min(max(weight, LEAST), MOST)
        raise SpecError(
            f"{field}: {written}: a weight is from {LEAST:g} to {MOST:g}; nearest is {nearest:g}",
            field=field,
            nearest=(nearest,),
        )
    return weight


def _refused(field: str, written: str, meant: str) -> SpecError:
    return SpecError(
        rf"{field}: {written}: not understood; for a weight write {meant}, for a bracket itself \( or \[", field=field
    )
