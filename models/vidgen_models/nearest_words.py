"""The word of a closed vocabulary that stands nearest to one outside it: of like meaning, another form, a slip mended.

Proper English words are never taken for slips of others ("mouse" is no "house"), and words that only join others are
neither replaced nor offered.
"""

from collections.abc import Collection, Iterator
from difflib import get_close_matches
from functools import lru_cache

from spellchecker import SpellChecker

ALIKE = 0.8
SHORT = 4
"""Letters up to which a slip is two letters swapped, or one doubled or not; any other change makes another word."""
LEAST = 3
JOINING = frozenset(
    """
    a an the this that these those some any each every no not and or but nor so yet as if than then while
    when where who which what whose i you he she it we they me him her us them my your his its our their mine
    yours itself himself herself themselves is are was were be been being am do does did has have had having
    will would can could may might must shall should of on in at by to from with without into onto upon over
    under above below behind before after against between among amid across along through around about near
    beside besides inside outside within toward towards beneath underneath off out up down for like during
    until since because there here also too very just only both all one two three four five more most less
    least other another same own again together
    """.split()  # noqa: SIM905 - a list of quoted words is hard to read
)
"""What joins the words that a picture shows, and shows nothing itself."""
LIKE: dict[str, tuple[str, ...]] = {
    "automobile": ("car",),
    "auto": ("car",),
    "taxi": ("car",),
    "truck": ("fire engine", "tractor"),
    "lorry": ("fire engine", "tractor"),
    "train": ("locomotive",),
    "plane": ("airplane",),
    "jet": ("airplane",),
    "ship": ("sailboat",),
    "boat": ("sailboat",),
    "bike": ("bicycle",),
    "ufo": ("flying saucer",),
    "spaceship": ("rocket", "flying saucer"),
    "ball": ("soccer ball",),
    "football": ("soccer ball",),
    "feline": ("cat",),
    "kitty": ("kitten", "cat"),
    "hound": ("dog",),
    "doggy": ("puppy", "dog"),
    "bird": ("parrot", "duck"),
    "present": ("gift",),
    "donut": ("doughnut",),
    "flower": ("rose", "sunflower"),
    "fire": ("flame",),
    "crimson": ("red",),
    "scarlet": ("red",),
    "maroon": ("red",),
    "navy": ("blue",),
    "azure": ("blue",),
    "cyan": ("blue",),
    "turquoise": ("blue",),
    "violet": ("purple",),
    "lilac": ("purple",),
    "magenta": ("pink",),
    "golden": ("yellow",),
    "gold": ("yellow",),
    "lime": ("green",),
    "emerald": ("green",),
    "ivory": ("white",),
    "walks": ("moves",),
    "runs": ("moves",),
    "drives": ("moves",),
    "swims": ("moves",),
    "rolls": ("moves",),
    "walking": ("moving",),
    "running": ("moving",),
    "driving": ("moving",),
    "swimming": ("moving",),
    "flies": ("floats up", "moves up"),
    "flying": ("floating up", "moving up"),
    "jumps": ("rises", "moves up"),
    "jumping": ("rising", "moving up"),
    "climbs": ("rises", "moves up"),
    "drops": ("falls down", "moves down"),
    "dropping": ("falling down", "moving down"),
    "twirls": ("spins",),
    "twirling": ("spinning",),
    "swells": ("grows",),
    "sits": ("rests", "stays still"),
    "waits": ("rests", "stays still"),
    "sitting": ("resting",),
}
"""Of one meaning, or nearly: the nearest first. Those count that the model knows."""


def nearest_known(word: str, known: Collection[str]) -> str | None:
    """What of `known` is meant by a word outside it; None where nothing there means the same."""
    small = word.lower()
    if small in JOINING:
        return small if small in known else None
    return next(_candidates(small, known), None)


def _candidates(small: str, known: Collection[str]) -> Iterator[str]:
    if small in known:
        yield small
    for phrase in LIKE.get(small, ()):
        if all(part in known for part in phrase.split()):
            yield phrase
    for form in _forms(small):
        if form in known and form not in JOINING:
            yield form
    words = sorted(it for it in known if it.islower() and len(it) >= LEAST and it not in JOINING)
    for close in get_close_matches(small, words, 3, ALIKE if len(small) > SHORT else 0.6):
        if (len(small) > SHORT or _slip(small, close)) and small not in _english():
            yield close


def _forms(small: str) -> Iterator[str]:
    """One and several, and the forms of a verb: "koalas" and "koala", "spin" and "spins", "rotated" and "rotates"."""
    for ending in ("s", "es", "ed", "d"):
        stem = small.removesuffix(ending)
        if stem != small and len(stem) >= LEAST:
            yield stem
            yield stem + "s"
    yield small + "s"
    yield small + "es"


def _slip(short: str, word: str) -> bool:
    """Whether the two differ by two letters swapped, or by one that is doubled in one of them alone."""
    swapped = len(short) == len(word) and sorted(short) == sorted(word) and short[0] == word[0]
    return swapped or _undoubled(short) == _undoubled(word)


def _undoubled(word: str) -> str:
    return "".join(letter for letter, before in zip(word, " " + word, strict=False) if letter != before)


@lru_cache(maxsize=1)
def _english() -> frozenset[str]:
    """160 000 English words; read when the first slip is looked for, since that takes a moment."""
    return frozenset(SpellChecker(language="en").word_frequency.words())
