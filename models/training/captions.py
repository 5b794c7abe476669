"""The language of the prompts: many wordings for the same clip, with synonyms and correct articles.

A caption names a subject, a motion and a background. Two whole wordings (HELD_OUT_TEMPLATES) and about a tenth of the
subject-motion pairs are never trained on: evaluation asks for them. Knows words alone, neither pictures nor tensors.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np

from training.render import BACKGROUNDS, MOTIONS
from training.sprites import SUBJECTS, Subject

THIRD_PERSON: dict[str, tuple[str, ...]] = {
    "left": ("moves left", "moves to the left", "slides leftwards", "drifts to the left", "goes left", "travels left"),
    "right": (
        "moves right",
        "moves to the right",
        "slides rightwards",
        "drifts to the right",
        "goes right",
        "travels right",
    ),
    "up": ("moves up", "rises", "moves upwards", "floats up", "goes up", "drifts upwards"),
    "down": ("moves down", "sinks", "moves downwards", "falls down", "goes down", "drifts downwards"),
    "grow": ("grows", "gets bigger", "grows larger", "becomes bigger", "expands", "gets larger"),
    "shrink": ("shrinks", "gets smaller", "grows smaller", "becomes smaller", "contracts", "becomes tiny"),
    "spin": ("spins", "rotates", "turns around", "spins around", "whirls", "rotates clockwise"),
    "still": ("stays still", "stands still", "does not move", "rests", "stays in place", "remains motionless"),
}
PARTICIPLE: dict[str, tuple[str, ...]] = {
    "left": (
        "moving left",
        "moving to the left",
        "sliding leftwards",
        "drifting to the left",
        "going left",
        "travelling left",
    ),
    "right": (
        "moving right",
        "moving to the right",
        "sliding rightwards",
        "drifting to the right",
        "going right",
        "travelling right",
    ),
    "up": ("moving up", "rising", "moving upwards", "floating up", "going up", "drifting upwards"),
    "down": ("moving down", "sinking", "moving downwards", "falling down", "going down", "drifting downwards"),
    "grow": ("growing", "getting bigger", "growing larger", "becoming bigger", "expanding", "getting larger"),
    "shrink": ("shrinking", "getting smaller", "growing smaller", "becoming smaller", "contracting", "becoming tiny"),
    "spin": ("spinning", "rotating", "turning around", "spinning around", "whirling", "rotating clockwise"),
    "still": ("staying still", "standing still", "not moving", "resting", "staying in place", "remaining motionless"),
}
TEMPLATES: tuple[str, ...] = (
    "{a_subject} {moves} on {a_colour} background",
    "{a_subject} {moving} on {a_colour} background",
    "{a_subject} {moving}, {colour} backdrop",
    "{colour} background, {a_subject} {moves}",
    "on {a_colour} background {a_subject} {moves}",
    "{a_subject} {moves} in front of {a_colour} background",
    "a video of {a_subject} {moving} on {a_colour} background",
    "{subject}, {moving}, {colour} background",
    "the {subject} {moves}, the background is {colour}",
    "{a_subject} that {moves} against {a_colour} backdrop",
    "{a_subject} is {moving} over {colour}",
    "an animation of {a_subject} {moving}, plain {colour} background",
)
HELD_OUT_TEMPLATES: tuple[str, ...] = (
    "{a_subject} {moving} in front of {a_colour} backdrop",
    "a video of {a_subject} that {moves}, {colour} background",
)
HELD_OUT_SHARE = 10  # one pair in ten


@dataclass(frozen=True, slots=True)
class Scene:
    """What a clip shows: names out of SUBJECTS, MOTIONS and BACKGROUNDS."""

    subject: str
    motion: str
    background: str


_WORDS: dict[str, tuple[str, ...]] = {s.name: s.words for s in SUBJECTS}


def with_article(words: str) -> str:
    """ "an octopus", "a ufo": chosen by sound, for the few names where sound and letter differ."""
    by_sound = words.startswith(("ufo", "unicorn", "one"))
    return ("an " if words[0] in "aeiou" and not by_sound else "a ") + words


def caption(scene: Scene, rng: np.random.Generator, templates: tuple[str, ...] = TEMPLATES) -> str:
    """One wording of `scene`, drawn at random; the plainest words come up most often."""
    words = _WORDS[scene.subject]
    subject = words[0] if rng.uniform() < 0.6 else words[rng.integers(len(words))]
    verb = 0 if rng.uniform() < 0.35 else int(rng.integers(len(THIRD_PERSON[scene.motion])))
    template = templates[0] if rng.uniform() < 0.15 else templates[rng.integers(len(templates))]
    text = template.format(
        a_subject=with_article(subject),
        subject=subject,
        moves=THIRD_PERSON[scene.motion][verb],
        moving=PARTICIPLE[scene.motion][verb],
        a_colour=with_article(scene.background),
        colour=scene.background,
    )
    style = rng.uniform()
    text = text[0].upper() + text[1:] if style < 0.15 else text
    return text + "." if 0.08 < style < 0.22 else text


def is_held_out(subject: str, motion: str) -> bool:
    """Whether the pair is kept for evaluation; decided by a hash, so that adding subjects moves no other pair."""
    return zlib.crc32(f"{subject}/{motion}".encode()) % HELD_OUT_SHARE == 0


def random_scene(rng: np.random.Generator, held_out: bool | None = False) -> Scene:
    """A scene with an even choice of motions; `held_out` None takes any pair."""
    while True:
        subject: Subject = SUBJECTS[rng.integers(len(SUBJECTS))]
        motion = MOTIONS[rng.integers(len(MOTIONS))]
        if held_out is None or is_held_out(subject.name, motion) == held_out:
            return Scene(subject.name, motion, list(BACKGROUNDS)[rng.integers(len(BACKGROUNDS))])
