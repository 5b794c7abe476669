"""Names more subjects than the common ones, out of the labels and tags of emojibase (MIT), for presets that take more.

A sprite is taken where its label is a plain name of one or two words that says nothing else in captions: no colour, no
place, no plural, no picture of people, flags, signs or the time. A tag is a synonym where one of the short names that
chat programs use for the picture confirms it, and where it is no other subject's: most tags are only about a thing.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache as once
from pathlib import Path
from typing import Any

from PIL import Image

from training.sources import animation_file, names_folder, sprite_files
from training.subjects import COMMON, Library, Subject
from vidgen_models.registry import VOCABULARY

GROUPS = (3, 4, 5, 6, 7)  # animals and plants, food, travel and places, activities, objects
NAME = re.compile(r"[a-z]{2,}( [a-z]{2,})?")
NOT_NAMES = """
    red yellow green blue purple pink white black orange brown brick night sky star stars starry cloud cloudy grass
    chess camera film movie video floor wall still face moon globe map flag man woman person people building oncoming
    speaker banknote locked unlocked low open closed suit button cursor no not left right up down out foggy fog camping
    cooking wedding construction pouring pistol love cigarette
"""
TAKEN = frozenset(NOT_NAMES.split())
"""Words that mean something else in a caption, or tell apart pictures that look the same."""
ALL = 10_000
SHORT_NAMES = ("emojibase", "github", "iamcal", "joypixels")


@once
def more_subjects(cache: Path, most: int) -> Library:
    """The common subjects, and up to `most` others in the order of emojibase."""
    folder = names_folder(cache)
    entries: list[dict[str, Any]] = json.loads((folder / "data.json").read_text())
    tags = Counter(tag for entry in entries for tag in set(entry.get("tags", ())))
    shorts = [json.loads((folder / "shortcodes" / f"{name}.json").read_text()) for name in SHORT_NAMES]
    pictures = {file.stem for file in sprite_files(cache)} - {subject.codepoint for subject in COMMON.subjects}
    taken = {word for words in COMMON.words.values() for word in words} | {e["label"].lower() for e in entries}
    found: list[Subject] = []
    for entry, codepoint in _pictured(entries, pictures):
        if len(found) == most:
            break
        told = {_plain(name) for short in shorts for name in _listed(short.get(entry["hexcode"], ()))}
        same = [tag for tag in entry.get("tags", ()) if tags[tag] == 1 and tag in told - taken and _is_name(tag)]
        words = (entry["label"].lower(), *same)
        found.append(Subject(codepoint, words, _moves(animation_file(cache, codepoint))))
    return Library((*COMMON.subjects, *found))


def library_of(folder: Path, cache: Path) -> Library:
    """The subjects that an exported model names, with the words that its captions had for them."""
    named = set(json.loads((folder / VOCABULARY).read_text())["subjects"])
    known = COMMON if named <= set(COMMON.names) else more_subjects(cache, ALL)
    return Library(tuple(subject for subject in known.subjects if subject.name in named))


def _pictured(entries: list[dict[str, Any]], pictures: set[str]) -> Iterator[tuple[dict[str, Any], str]]:
    """Those that may be named and have a picture, and its code point: packages differ in variation selectors."""
    known = {word for words in COMMON.words.values() for word in words}
    for entry in entries:
        name, code = entry["label"].lower(), entry["hexcode"].lower()
        spelled = [c for c in (code, code.replace("-fe0f", ""), f"{code}-fe0f") if c in pictures]
        if spelled and entry.get("group") in GROUPS and _is_name(name) and name not in known:
            yield entry, spelled[0]


def _is_name(text: str) -> bool:
    """Whether it is one or two plain words in the singular, none of them TAKEN."""
    plural = text.endswith("s") and not text.endswith(("ss", "us", "is"))
    return NAME.fullmatch(text) is not None and not plural and TAKEN.isdisjoint(text.split())


def _moves(file: Path | None) -> bool:
    """Whether the animation has more pictures than one."""
    if file is None:
        return False
    with Image.open(file) as animation:
        return getattr(animation, "n_frames", 1) > 1


def _listed(names: str | list[str] | tuple[()]) -> list[str]:
    return [names] if isinstance(names, str) else list(names)


def _plain(name: str) -> str:
    return name.replace("_", " ").replace("-", " ")
