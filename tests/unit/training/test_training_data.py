"""The training set says what it shows: words, pictures and the split between trained and held-out pairs."""

import numpy as np
import pytest

from training.captions import HELD_OUT_TEMPLATES, TEMPLATES, Scene, caption, is_held_out, random_scene, with_article
from training.grounds import PLAIN
from training.places import ALONE, DIRECTIONS, MOTIONS, REACH, SIDES, chained_path
from training.render import render_clip
from training.sprites import Sprite, sprite_from_rgba
from training.subjects import SUBJECTS


@pytest.fixture
def disc() -> Sprite:
    """A red disc with a white notch, so that turning it is seen."""
    y, x = np.mgrid[-1:1:80j, -1:1:80j]
    rgba = np.zeros((80, 80, 4), np.uint8)
    rgba[x**2 + y**2 < 0.9] = (200, 30, 30, 255)
    rgba[(x > 0.2) & (abs(y) < 0.15) & (x < 0.8)] = (255, 255, 255, 255)
    return sprite_from_rgba(rgba)


def centre_and_area(frame: np.ndarray) -> tuple[np.ndarray, int]:
    seen = np.argwhere(np.abs(frame.astype(int) - frame[0, 0]).max(-1) > 40)
    return seen.mean(0)[::-1], len(seen)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_the_sprite_moves_where_the_motion_says(disc: Sprite, direction: str) -> None:
    clip = render_clip(disc, direction, "green", np.random.default_rng(0))
    moved = centre_and_area(clip[-1])[0] - centre_and_area(clip[0])[0]
    along = float(np.dot(moved, DIRECTIONS[direction]))
    assert along > 16
    assert np.linalg.norm(moved) == pytest.approx(along, abs=2)


def test_growing_shrinking_spinning_and_staying_differ(disc: Sprite) -> None:
    def clip(motion: str) -> np.ndarray:
        return render_clip(disc, motion, "blue", np.random.default_rng(1))

    def areas(motion: str) -> tuple[int, int]:
        frames = clip(motion)
        return centre_and_area(frames[0])[1], centre_and_area(frames[-1])[1]

    assert areas("grow")[1] > 4 * areas("grow")[0]
    assert areas("shrink")[0] > 4 * areas("shrink")[1]
    assert np.ptp(clip("still"), axis=0).max() == 0
    assert np.ptp(clip("spin").astype(int), axis=0).max() > 100


def test_a_long_clip_is_longer_not_slower(disc: Sprite) -> None:
    def travel(frames: int) -> float:
        clip = render_clip(disc, "left", "black", np.random.default_rng(2), frames)
        return float(centre_and_area(clip[0])[0][0] - centre_and_area(clip[-1])[0][0])

    assert travel(25) > 1.1 * travel(17)


@pytest.mark.parametrize("motion", MOTIONS)
def test_a_chained_clip_takes_up_its_motion_where_another_ended(motion: str) -> None:
    def change(places: list, given: int) -> np.ndarray:
        before, after = places[given - 1], places[given + 3]
        return np.array([after.x - before.x, after.y - before.y, after.side - before.side, after.angle - before.angle])

    expected = {**{d: (*step, 0, 0) for d, step in DIRECTIONS.items()}, "grow": (0, 0, 1, 0), "shrink": (0, 0, -1, 0)}
    expected |= {"spin": (0, 0, 0, 1), **dict.fromkeys(("still", *ALONE), (0, 0, 0, 0))}
    swings = {"bounce": (0, 1, 0, 0), "shake": (0, 0, 0, 1)}  # either way
    rng, before = np.random.default_rng(3), set()
    for _ in range(60):
        places = chained_path(motion, 25, 9, rng)
        seen = change(places, 9)
        if motion in swings:
            assert np.all((seen != 0) <= np.array(swings[motion], bool))
        else:
            assert np.all(np.sign(seen) == expected[motion]) or np.all(seen == 0)
        before.add(
            tuple(np.sign([places[8].x - places[4].x, places[8].y - places[4].y, places[8].side - places[4].side]))
        )
        assert all(REACH[0] - 4 <= p.x <= REACH[1] + 4 and SIDES[0] <= p.side <= SIDES[1] for p in places)
    assert len(before) >= 4 or motion in ALONE, "the clips begin with many different motions"


@pytest.mark.parametrize(
    ("name", "expected"), [("octopus", "an octopus"), ("cat", "a cat"), ("ufo", "a ufo"), ("ice cream", "an ice cream")]
)
def test_articles_follow_the_sound(name: str, expected: str) -> None:
    assert with_article(name) == expected


def test_every_caption_names_subject_and_background() -> None:
    rng = np.random.default_rng(0)
    words = {s.name: s.words for s in SUBJECTS}
    for _ in range(500):
        scene = random_scene(rng, None)
        text = caption(scene, rng, TEMPLATES + HELD_OUT_TEMPLATES).lower()
        assert any(word in text for word in words[scene.subject])
        assert scene.background in text
        assert "{" not in text
        assert " a a" not in text


def test_held_out_pairs_and_wordings_are_never_trained_on() -> None:
    rng = np.random.default_rng(0)
    drawn = [random_scene(rng) for _ in range(3000)]
    assert not any(is_held_out(s.subject, s.motion) for s in drawn)
    kept = sum(is_held_out(s.name, m) for s in SUBJECTS for m in MOTIONS)
    assert 0.05 < kept / (len(SUBJECTS) * len(MOTIONS)) < 0.15
    assert not set(HELD_OUT_TEMPLATES) & set(TEMPLATES)
    assert {s.background for s in drawn} == set(PLAIN)
    asked = [random_scene(rng, True) for _ in range(100)]
    assert all(is_held_out(s.subject, s.motion) for s in asked)


def test_names_are_unique() -> None:
    words = [word for s in SUBJECTS for word in s.words]
    assert len(words) == len(set(words))
    assert Scene("cat", "left", "blue") == Scene("cat", "left", "blue")
