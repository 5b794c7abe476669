"""Prompts made fuller and clearer by rules: words that the model knows, and what a prompt leaves open.

For a model with a closed vocabulary (words.py) unknown words are replaced by known ones of like meaning or spelling, or
left out, and a motion and a background are added where none is named. Of other models nothing is known but that they
were trained on long captions: what those tell and this prompt does not is added. The same prompt always gives the same.
"""

import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from vidgen_models.registry import Manifest
from vidgen_models.words import ALIKE, WORD, known_words

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
    "orange": ("yellow",),
    "lime": ("green",),
    "emerald": ("green",),
    "dark": ("black",),
    "ivory": ("white",),
    "bright": ("white",),
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
MOTION = re.compile(
    r"\b(mov|go(es|ing)?\b|wander|travel|drift|glid|slid|ris(es|ing)|float|sink|fall|grow|gets?\b|getting|becom|expand|shrink"
    r"|contract|spin|rotat|turn|whirl|stay|stand|rest|remain|not\b|walk|run|jump|fl(y|ies)|swim|danc|driv|roll)",
    re.I,
)
GROUND = re.compile(
    r"\b(background|backdrop|over|against|behind|before|in front of|under|on an?|on the|in the|by an?)\b", re.I
)
ARTICLE = re.compile(r"\ban?\b(\s+\(?)(\w+)")
COLOURS = ("blue", "green", "yellow", "red", "white", "purple", "pink", "black")
TOLD = (
    (MOTION, "moving naturally"),
    (re.compile(r"\b(camera|pan|tilt|zoom|shot|close-up|view|angle)", re.I), "steady camera, medium shot"),
    (re.compile(r"\b(light|lit|sun|shadow|dark|neon|glow|dusk|dawn|night)", re.I), "soft natural light"),
    (
        re.compile(r"\b(detail|sharp|focus|realistic|photo|cinematic|4k|painting|cartoon|style)", re.I),
        "sharp focus, fine detail",
    ),
)
"""What long captions tell, how it is known to be there, and what is said where it is not."""


@dataclass(frozen=True, slots=True)
class Enhanced:
    """A prompt, and in words what was changed in it."""

    prompt: str
    changes: tuple[str, ...]


def enhanced(prompt: str, manifest: Manifest) -> Enhanced:
    """The prompt as this model is likely to follow it best; an empty one stays empty."""
    known = known_words(manifest.path)
    if not prompt.strip():
        return Enhanced(prompt, ())
    if known is None:
        return _fuller(prompt)
    clear = in_known_words(prompt, manifest)
    return _completed(clear, manifest) if clear.prompt else clear


def in_known_words(prompt: str, manifest: Manifest) -> Enhanced:
    """The prompt with every unknown word replaced or left out; as it is, where the model takes any word."""
    known = known_words(manifest.path)
    if known is None:
        return Enhanced(prompt, ())
    changes: list[str] = []

    def instead(found: re.Match[str]) -> str:
        word = found[0]
        if word in known:
            return word
        other = next(_instead(word, known), "")
        if other != word:
            changes.append(f"“{word}” is now “{other}”" if other else f"“{word}” left out: the model does not know it")
        return other

    said = WORD.sub(instead, prompt)
    said = ARTICLE.sub(_article, said) if changes else said
    said = re.sub(r"\(\s*:[\d.]+\)|\s+(?=[,.])|,(?=\s*,)", "", said)
    return Enhanced(" ".join(said.split()).strip(", "), tuple(dict.fromkeys(changes)))


def _article(found: re.Match[str]) -> str:
    """The article that goes with the word that stands there now; by letter, but for the few that sound otherwise."""
    word = found[2].lower()
    vowel = word[0] in "aeiou" and not word.startswith(("ufo", "uni", "one"))
    return f"{'an' if vowel else 'a'}{found[1]}{found[2]}"


def _instead(word: str, known: frozenset[str]) -> Iterator[str]:
    small = word.lower()
    if small in known:
        yield small
    for phrase in LIKE.get(small, ()):
        if all(part in known for part in phrase.split()):
            yield phrase
    yield from get_close_matches(small, sorted(known), 1, ALIKE)


def _completed(clear: Enhanced, manifest: Manifest) -> Enhanced:
    """With a motion after its subject and a background at its end, where it names none."""
    words, text, changes = manifest.vocabulary(), clear.prompt, list(clear.changes)
    motions = _plain(words.get("motions"))
    if motions and not MOTION.search(text):
        motion, at = _chosen(motions, text), _after_subject(text, manifest)
        text = f"{text[:at]} {motion}{text[at:]}"
        changes.append(f"a motion is added: {motion}")
    colours = [colour for colour in COLOURS if colour in _plain(words.get("backgrounds"))]
    if colours and not GROUND.search(text):
        colour = _chosen(colours, text)
        text = f"{text} on a {colour} background"
        changes.append(f"a background is added: {colour}")
    return Enhanced(text, tuple(changes))


def _after_subject(text: str, manifest: Manifest) -> int:
    """Where the longest subject that is named ends; the end of the text where none is."""
    words = manifest.vocabulary()
    synonyms = words.get("synonyms")
    names = [*_plain(words.get("subjects"))]
    if isinstance(synonyms, dict):
        names += [name for subject in tuple(names) for name in synonyms.get(subject, ())]
    found = [re.search(rf"\b{re.escape(name)}\b(:[\d.]+\))?", text) for name in sorted(names, key=len, reverse=True)]
    return next((place.end() for place in found if place is not None), len(text))


def _fuller(prompt: str) -> Enhanced:
    added = [phrase for there, phrase in TOLD if not there.search(prompt)]
    text = ", ".join([prompt.strip().rstrip(".,"), *added])
    return Enhanced(text, tuple(f"added: {phrase}" for phrase in added))


def _plain(words: object) -> Sequence[str]:
    return words if isinstance(words, list) else ()


def _chosen(choices: Sequence[str], text: str) -> str:
    """One of them, by the text: different prompts differ, the same one never does."""
    return choices[zlib.crc32(text.encode()) % len(choices)]
