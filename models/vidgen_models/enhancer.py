"""Prompts made fuller and clearer by rules: words that the model knows, and what a prompt leaves open.

For a model with a closed vocabulary (words.py) unknown words are replaced by known ones of like meaning, or of which
they are a slip; any other stays and is told in a warning. A motion and a background are added where nothing in the
prompt may tell of one. Of other models nothing is known but that they were trained on long captions: what those tell
and this prompt does not is added. The same prompt always gives the same, and what was made is not changed again.
"""

import re
import zlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from vidgen_models.nearest_words import nearest_known
from vidgen_models.prompt_parts import MOTION, WORD, parts_of
from vidgen_models.registry import Manifest
from vidgen_models.words import known_words, unknown_in

ARTICLE = re.compile(r"\b(an?)\b(\s+\(?)(\w+)", re.I)
COLOURS = ("blue", "green", "yellow", "red", "white", "purple", "pink", "black")
TOLD = (
    (re.compile(rf"{MOTION.pattern}|\b\w{{3,}}ing\b", re.I), "moving naturally"),
    (
        re.compile(r"\b(camera|pan(s|ned|ning)?|tilt(s|ed|ing)?|zoom\w*|shots?|close-?ups?|views?|angles?)\b", re.I),
        "steady camera, medium shot",
    ),
    (
        re.compile(
            r"\b(light\w*|lit|sun(ny|light|lit|rise|set|shine)?|shadow\w*|dark\w*|neon|glow\w*|dusk|dawn|nights?)\b",
            re.I,
        ),
        "soft natural light",
    ),
    (
        re.compile(r"\b(detail|sharp|focus|realistic|photo|cinematic|4k|painting|cartoon|style)", re.I),
        "sharp focus, fine detail",
    ),
)
"""What long captions tell, how it is known to be there, and what is said where it is not."""


@dataclass(frozen=True, slots=True)
class Enhanced:
    """A prompt, in words what was changed in it, and the words in it that the model was never shown."""

    prompt: str
    changes: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


def enhanced(prompt: str, manifest: Manifest) -> Enhanced:
    """The prompt as this model is likely to follow it best; an empty one stays empty."""
    known = known_words(manifest.path)
    if not prompt.strip():
        return Enhanced(prompt)
    if known is None:
        return _fuller(prompt)
    return _completed(in_known_words(prompt, manifest), manifest, known)


def in_known_words(prompt: str, manifest: Manifest) -> Enhanced:
    """The prompt with a known word for every unknown one of like meaning; as it is, where the model takes any word."""
    known = known_words(manifest.path)
    if known is None:
        return Enhanced(prompt)
    others = {word: nearest_known(word, known) for word in unknown_in(prompt, known)}
    said = WORD.sub(lambda found: others.get(found[0]) or found[0], prompt)
    new = {other.split()[0] for other in others.values() if other}
    said = ARTICLE.sub(lambda found: _article(found, new), said)
    return Enhanced(
        " ".join(said.split()),
        tuple(f"“{word}” is now “{other}”" for word, other in others.items() if other),
        tuple(word for word, other in others.items() if not other),
    )


def _article(found: re.Match[str], new: Collection[str]) -> str:
    """The article that goes with a word that is `new` there; by letter, but for the few that sound otherwise."""
    article, between, word = found.groups()
    if word not in new:
        return found[0]
    vowel = word[0] in "aeiou" and not word.startswith(("ufo", "uni", "one"))
    return f"{article[0]}{'n' if vowel else ''}{between}{word}"


def _completed(clear: Enhanced, manifest: Manifest, known: Collection[str]) -> Enhanced:
    """With a motion after its subject and a background at its end, where it names a subject and none of these."""
    words, names = manifest.vocabulary(), _subject_names(manifest)
    parts, text, changes = parts_of(clear.prompt, names, known), clear.prompt, list(clear.changes)
    motions = _plain(words.get("motions"))
    if motions and parts.subjects and not parts.has_motion:
        motion = _chosen(motions, text)
        for subject in reversed(parts.subjects):
            text = f"{text[: subject.end()]} {motion}{text[subject.end() :]}"
        changes.append(f"a motion is added: {motion}")
    colours = [it for it in COLOURS if it in _plain(words.get("backgrounds")) and it not in text.lower().split()]
    if colours and parts.has_subject and not parts.has_ground:
        colour = _chosen(colours, clear.prompt)
        text = _with_ground(text, f" on a {colour} background", parts_of(text, names, known).camera)
        changes.append(f"a background is added: {colour}")
    return replace(clear, prompt=text, changes=tuple(changes))


def _with_ground(text: str, ground: str, camera: re.Match[str] | None) -> str:
    """Before what is said of the camera at the end, and before the full stop."""
    end = len(text.rstrip(" .,;!?"))
    if camera is not None and camera.start() > 0 and camera.end() >= end:
        end = camera.start()
    return text[:end] + ground + text[end:]


def _subject_names(manifest: Manifest) -> tuple[str, ...]:
    """Every name of every subject that the model was shown."""
    words = manifest.vocabulary()
    subjects, synonyms = _plain(words.get("subjects")), words.get("synonyms")
    also = synonyms if isinstance(synonyms, dict) else {}
    return (*subjects, *(name for subject in subjects for name in also.get(subject, ())))


def _fuller(prompt: str) -> Enhanced:
    added = [phrase for there, phrase in TOLD if not there.search(prompt)]
    text = ", ".join([prompt.strip().rstrip(".,"), *added]) if added else prompt
    return Enhanced(text, tuple(f"added: {phrase}" for phrase in added))


def _plain(words: object) -> Sequence[str]:
    return words if isinstance(words, list) else ()


def _chosen(choices: Sequence[str], text: str) -> str:
    """One of them, by the text: different prompts differ, the same one never does."""
    return choices[zlib.crc32(text.encode()) % len(choices)]
