"""The language of the prompts: many wordings for the same clip, with synonyms and correct articles.

A caption names a subject, a motion, a background and, when it moves, the camera. Two whole wordings
(HELD_OUT_TEMPLATES) and about a tenth of the subject-motion pairs are never trained on: evaluation asks for them. Knows
words alone, neither pictures nor tensors.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from training.cameras import CAMERAS
from training.grounds import FILM, PLAIN, SCENES
from training.places import ALIVE, MOTIONS, PAIRED
from training.subjects import COMMON, Library

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
    "bounce": ("bounces", "hops", "jumps up and down", "bounces up and down", "leaps", "keeps hopping"),
    "shake": ("shakes", "wobbles", "rocks to and fro", "sways", "swings to and fro", "wiggles"),
    "fade": ("fades in", "appears", "appears slowly", "becomes visible", "emerges", "materializes"),
    "alive": ("comes alive", "is animated", "moves by itself", "plays", "acts", "is lively"),
    "any": ("moves", "goes", "wanders", "travels", "drifts", "glides"),
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
    "bounce": ("bouncing", "hopping", "jumping up and down", "bouncing up and down", "leaping", "always hopping"),
    "shake": ("shaking", "wobbling", "rocking to and fro", "swaying", "swinging to and fro", "wiggling"),
    "fade": ("fading in", "appearing", "appearing slowly", "becoming visible", "emerging", "materializing"),
    "alive": ("coming alive", "animated", "moving by itself", "playing", "acting", "being lively"),
    "any": ("moving", "going", "wandering", "travelling", "drifting", "gliding"),
}
PLACES: dict[str, tuple[str, ...]] = {
    "starry": ("in front of a starry sky", "over a night sky", "under the stars"),
    "cloudy": ("in front of a cloudy sky", "over the clouds", "in the sky"),
    "brick": ("in front of a brick wall", "before a wall of bricks", "by a brick wall"),
    "grassy": ("on a meadow", "over the grass", "on a lawn"),
    "checkered": ("on a checkered floor", "over a chessboard", "on a tiled floor"),
    "striped": ("in front of a striped wall", "before stripes", "in front of striped wallpaper"),
    FILM: ("in front of a film still", "in a scene of a film", "in a movie"),
}
VIEWS: dict[str, tuple[str, ...]] = {
    "pan left": ("the camera pans left", "camera panning to the left", "the camera moves left", "pan left"),
    "pan right": ("the camera pans right", "camera panning to the right", "the camera moves right", "pan right"),
    "tilt up": ("the camera tilts up", "camera tilting upwards", "the camera looks up", "tilt up"),
    "tilt down": ("the camera tilts down", "camera tilting downwards", "the camera looks down", "tilt down"),
    "zoom in": ("the camera zooms in", "camera zooming in", "the camera moves closer", "zoom in"),
    "zoom out": ("the camera zooms out", "camera zooming out", "the camera moves away", "zoom out"),
    "roll clockwise": ("the camera rolls clockwise", "camera rolling clockwise", "roll clockwise"),
    "roll counterclockwise": (
        "the camera rolls counterclockwise",
        "camera rolling counterclockwise",
        "roll counterclockwise",
    ),
    "static": ("the camera does not move", "static camera", "fixed camera"),
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
PLACE_TEMPLATES: tuple[str, ...] = (
    "{a_subject} {moves} {place}",
    "{a_subject} {moving} {place}",
    "{place}, {a_subject} {moves}",
    "a video of {a_subject} {moving} {place}",
)
PAIR_TEMPLATES: tuple[str, ...] = (
    "{a_subject} {moves} and {a_other} {other_moves} on {a_colour} background",
    "{a_subject} {moving} and {a_other} {other_moving}, {colour} background",
    "{a_subject} {moving} beside {a_other} {other_moving} on {a_colour} background",
    "{colour} background, {a_subject} {moves} and {a_other} {other_moves}",
    "two subjects, {a_subject} {moving} and {a_other} {other_moving}, {colour} backdrop",
)
HELD_OUT_PAIR_TEMPLATES: tuple[str, ...] = (
    "{a_subject} that {moves} and {a_other} that {other_moves}, {colour} background",
)
HELD_OUT_SHARE = 10  # one pair in ten
SOMETHING = "something"
"""The subject of a caption that does not tell it: a picture does."""
PLACE_NAMED, CAMERA_NAMED_FIRST, STATIC_NAMED = 0.5, 0.25, 0.1
PLAIN_SHARE, STATIC_SHARE, RESTING_SHARE = 0.33, 0.33, 0.7
FILM_SHARE = 0.2  # of the scenes, where stills are at hand


@dataclass(frozen=True, slots=True)
class Scene:
    """What a clip shows: names out of a Library (or SOMETHING), MOTIONS (or ANY), GROUNDS and FILM, and CAMERAS; where
    there are two subjects, `other` and `other_motion` are the second's."""

    subject: str
    motion: str
    background: str
    camera: str = "static"
    other: str = ""
    other_motion: str = ""


def with_article(words: str) -> str:
    """ "an octopus", "a ufo": chosen by sound, for the few names where sound and letter differ."""
    by_sound = words.startswith(("ufo", "unicorn", "one"))
    return ("an " if words[0] in "aeiou" and not by_sound else "a ") + words


def caption(
    scene: Scene, rng: np.random.Generator, templates: tuple[str, ...] = TEMPLATES, library: Library = COMMON
) -> str:
    """One wording of `scene`, drawn at random; the plainest words come up most often. Two subjects have templates of
    their own."""
    text = _sentence(scene, rng, templates, library)
    if scene.camera != "static" or rng.uniform() < STATIC_NAMED:
        view = VIEWS[scene.camera][rng.integers(len(VIEWS[scene.camera]))]
        text = f"{view}, {text}" if rng.uniform() < CAMERA_NAMED_FIRST else f"{text}, {view}"
    style = rng.uniform()
    text = text[0].upper() + text[1:] if style < 0.15 else text
    return text + "." if 0.08 < style < 0.22 else text


def _sentence(scene: Scene, rng: np.random.Generator, templates: tuple[str, ...], library: Library) -> str:
    subject, moves, moving = _actor(scene.subject, scene.motion, rng, library)
    other, other_moves, other_moving = "", "", ""
    if scene.other:
        other, other_moves, other_moving = _actor(scene.other, scene.other_motion, rng, library)
    if scene.other:
        templates = PAIR_TEMPLATES if templates == TEMPLATES else HELD_OUT_PAIR_TEMPLATES
    elif scene.background in PLACES and rng.uniform() < PLACE_NAMED:
        templates = PLACE_TEMPLATES
    template = templates[0] if rng.uniform() < 0.15 else templates[rng.integers(len(templates))]
    places = PLACES.get(scene.background, ("",))
    return template.format(
        a_subject=subject if scene.subject == SOMETHING else with_article(subject),
        subject=subject,
        moves=moves,
        moving=moving,
        a_other=with_article(other) if other else "",
        other_moves=other_moves,
        other_moving=other_moving,
        a_colour=with_article(scene.background),
        colour=scene.background,
        place=places[rng.integers(len(places))],
    )


def _actor(name: str, motion: str, rng: np.random.Generator, library: Library) -> tuple[str, str, str]:
    """A subject's name and its motion in both forms, in one of their wordings."""
    words = library.words.get(name, (name,))
    subject = words[0] if rng.uniform() < 0.6 else words[rng.integers(len(words))]
    verb = 0 if rng.uniform() < 0.35 else int(rng.integers(len(THIRD_PERSON[motion])))
    return subject, THIRD_PERSON[motion][verb], PARTICIPLE[motion][verb]


def is_held_out(subject: str, motion: str) -> bool:
    """Whether the pair is kept for evaluation; decided by a hash, so that adding subjects moves no other pair. What a
    subject does by itself is its own and cannot be told from others', so none of it is kept."""
    return motion != ALIVE and zlib.crc32(f"{subject}/{motion}".encode()) % HELD_OUT_SHARE == 0


def random_pair(rng: np.random.Generator, held_out: bool = False, library: Library = COMMON) -> Scene:
    """Two different subjects, each with its motion, over a plain ground; `held_out` says whether the two were ever
    seen together in training."""
    while True:
        first, second = (library.names[place] for place in rng.permutation(len(library))[:2])
        motions = (str(rng.choice(PAIRED)), str(rng.choice(PAIRED)))
        alone = any(is_held_out(subject, motion) for subject, motion in zip((first, second), motions, strict=True))
        if not alone and is_held_out(*sorted((first, second))) == held_out:
            return Scene(first, motions[0], list(PLAIN)[rng.integers(len(PLAIN))], "static", second, motions[1])


def random_scene(
    rng: np.random.Generator,
    held_out: bool | None = False,
    *,
    scenic: bool = False,
    film: bool = False,
    motions: Sequence[str] = MOTIONS,
    library: Library = COMMON,
) -> Scene:
    """A clip with an even choice of `motions`; `held_out` None takes any pair.

    A `scenic` one is over a scene two times in three, and then two times in three its camera moves; the subject of such
    a clip mostly stays where it is; with `film`, some scenes are stills of it. The others have a plain ground and a
    static camera.
    """
    while True:
        subject = library.subjects[rng.integers(len(library))]
        motion = motions[rng.integers(len(motions))]
        if motion == ALIVE and not subject.animated:
            continue
        if held_out is None or is_held_out(subject.name, motion) == held_out:
            break
    if not scenic or rng.uniform() < PLAIN_SHARE:
        return Scene(subject.name, motion, list(PLAIN)[rng.integers(len(PLAIN))])
    background = FILM if film and rng.uniform() < FILM_SHARE else list(SCENES)[rng.integers(len(SCENES))]
    if rng.uniform() < STATIC_SHARE:
        return Scene(subject.name, motion, background)
    rests = rng.uniform() < RESTING_SHARE and held_out in (None, is_held_out(subject.name, "still"))
    return Scene(subject.name, "still" if rests else motion, background, CAMERAS[rng.integers(1, len(CAMERAS))])
