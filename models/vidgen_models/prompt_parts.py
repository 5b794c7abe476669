"""What a prompt tells, found by the forms that English gives it: its subjects, a motion, a ground, the camera.

Careful on one side: what may tell of a ground or a motion counts as telling of it, so that nothing is ever said beside
it. Knows no model but for the names of subjects that it is given.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from vidgen_models.nearest_words import JOINING

WORD = re.compile(r"[^\W\d_]+")
MOTION = re.compile(
    r"\b(mov(e|es|ed|ing)\b|go(es|ing)?\b|wander|travel|drift|glid|slid|ris(e|es|ing)\b|float|sink|fall|grow|gets?\b|getting"
    r"|becom|expand|shrink|contract|spin(s|ning)?\b|rotat|revolv|turn|whirl|twirl|stay|stand|rest(s|ing)?\b|remain|still\b"
    r"|motionless|frozen|static|not\b|walk|run(s|ning)?\b|jump|fl(y|ies|ying)\b|swim|danc|driv|roll|bounc|hop(s|ping)?\b"
    r"|leap|shak|wobbl|sway|swing|wiggl|fad(es|ing)|appear|emerg|climb|soar|plung|descend|ascend|chas|rac(es|ing)|rush"
    r"|march|crawl|hover|inflat|deflat|play(s|ing)\b|eat(s|ing)\b|sle(ep|pt)|sit(s|ting)?\b|wait|com(es|ing)\b|anima"
    r"|act(s|ing)\b|liv(ely|es)\b|orbit|circl(es|ing)|blink|wav(es|ing)|melt|burn|explod)",
    re.I,
)
PLACED = (
    r"on|over|in|inside|against|behind|before|under|underneath|beneath|by|beside|near|at|above|below|across|through|between"
    r"|among|amid|into|onto|upon|within|outside"
)
PLACE = re.compile(rf"\b(?:{PLACED})\s+\(*[^\W_]", re.I)
GROUND = re.compile(
    rf"\b(?:backgrounds?|backdrops?)\b|{PLACE.pattern}"
    r"|\b(?:sky|skies|walls?|wallpaper|floor|ground|grass|meadow|lawn|fields?|pasture|garden|forest|woods|jungle|sea|ocean"
    r"|lake|river|beach|desert|mountains?|street|road|city|room|space|underwater|outdoors|indoors|snow|clouds|night)\b",
    re.I,
)
IDIOM = re.compile(
    r"\b(?:zoom|fad|mov|pan)\w*\s+(?:in|out)\b(?!\s+front)|\bup and down\b|\bto and fro\b"
    r"|\bby (?:it|him|her|them)sel(?:f|ves)\b|\bin (?:place|circles?|slow motion|focus|detail)\b"
    r"|\bon (?:its|his|her|their) \w+",
    re.I,
)
"""Words that could name a place, and do not."""
CAMERA = re.compile(
    r"(?:\s*,)?\s*(?:\b(?:and|while|as)\s+)?(?:\bthe\s+)?(?<!\ba )\bcamera\s+(?:\w+ly\s+|is\s+|does\s+)*"
    r"(?:pan|tilt|zoom|roll|mov|look|not|track|follow|orbit|doll|stay|stand|go|turn|rotat|fl|circl|shak|remain)\w*"
    r"[^,.;]*?(?=[,.;]|\s+(?:and|while|on an?|over an?|in front of)\b|$)"
    r"|(?:\s*,)?\s*\b(?:static|fixed|steady|moving)\s+camera\b"
    r"|(?:\s*,\s*|^)(?:pan|tilt|zoom|roll)(?:s|ning|ing)?\s+(?:\w+ly\s+)?(?:left|right|up|down|in|out|(?:counter)?clockwise)\b",
    re.I,
)
JOINED = re.compile(r"\s*(?:,|&|,?\s*\band\b)\s*(?:\w+\s+){0,3}", re.I)
ENDS = re.compile(rf"\s*(?:$|[,.;:!?&]|\b(?:and|or|while|with|{PLACED})\b)", re.I)
MENTION = "\N{BULLET}"
BESIDE = frozenset({"with", "without", "of", "wearing", "holding", "like", "named", "called"})
"""After these stands what a subject has, not where it is."""


@dataclass(frozen=True, slots=True)
class Parts:
    """Where in a prompt each part stands; `subjects` are those that a motion could follow, in their order."""

    subjects: tuple[re.Match[str], ...]
    has_subject: bool
    has_motion: bool
    has_ground: bool
    camera: re.Match[str] | None


def parts_of(text: str, names: Collection[str], known: Collection[str]) -> Parts:
    """What `text` tells of subjects of these names. Of a word outside `known` it may be that it names a ground."""
    mentions = tuple(_mentions(text, names))
    camera = CAMERA.search(text)
    seen = CAMERA.sub(_blank, text)
    plain = IDIOM.sub(_blank, seen)
    acting = [it for it in mentions if seen[it.start()] != " " and not _within_ground(plain, it.start())]
    return Parts(
        subjects=tuple(_addressed(acting, seen)),
        has_subject=bool(acting),
        has_motion=MOTION.search(_without(mentions, seen)) is not None,
        has_ground=GROUND.search(plain) is not None or _untold(text, mentions, known),
        camera=camera,
    )


def _mentions(text: str, names: Collection[str]) -> Iterator[re.Match[str]]:
    """Every place where a subject is named, the longest names first, with the weight that follows it."""
    if names:
        longest = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
        yield from re.finditer(rf"\b(?:{longest})\b(?::[\d.]+\))?", text, re.I)


def _within_ground(text: str, at: int) -> bool:
    """Whether a place is named before it in its clause: the car of "a dog on a car" does not act."""
    clause = re.split(r"[,.;]|\b(?:backgrounds?|backdrops?)\b", text[:at], flags=re.I)[-1]
    return PLACE.search(clause + "x") is not None


def _addressed(acting: Sequence[re.Match[str]], text: str) -> Iterator[re.Match[str]]:
    """The first subject and those joined to it, as far as nothing is said of them yet."""
    for before, mention in zip([None, *acting], acting, strict=False):
        if before is not None and not JOINED.fullmatch(text[before.end() : mention.start()]):
            return
        if ENDS.match(text, mention.end()):
            yield mention
        elif before is None:
            return


def _untold(text: str, mentions: Sequence[re.Match[str]], known: Collection[str]) -> bool:
    """Whether a word that the model does not know may name a ground: one that tells more of a subject does not."""
    words = re.findall(rf"{MENTION}+|[^\W\d_]+|[,.;]", _without(mentions, text, MENTION))
    for at, word in enumerate(words):
        if not WORD.fullmatch(word) or word in known or word.lower() in JOINING or word.endswith("ly"):
            continue
        done = at > 0 and words[at - 1].startswith(MENTION) and word.endswith(("s", "ing", "ed"))
        had = not BESIDE.isdisjoint(words[max(at - 3, 0) : at])
        if not done and not had and not _leads_to_subject(words[at + 1 :]):
            return True
    return False


def _leads_to_subject(words: Sequence[str]) -> bool:
    """ "fluffy" and "red" lead to "cat"; words that join others, and commas, end the row."""
    stop = next((word for word in words if not WORD.fullmatch(word) or word.lower() in JOINING), "")
    return stop.startswith(MENTION)


def _without(mentions: Sequence[re.Match[str]], text: str, mark: str = " ") -> str:
    """The text with a mark in place of every letter of a subject."""
    for it in mentions:
        text = text[: it.start()] + mark * (it.end() - it.start()) + text[it.end() :]
    return text


def _blank(found: re.Match[str]) -> str:
    """As long as what was found, so that places in the text stay where they are."""
    return " " * len(found[0])
