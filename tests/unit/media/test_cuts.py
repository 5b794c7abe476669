"""The cut detector tells a new shot from fast motion, fades and flashes of noise."""

import numpy as np
import pytest
from PIL import Image

from vidgen.media.cuts import THRESHOLD, cut_score, is_cut


def world(seed: int, tint: tuple[int, int, int]) -> np.ndarray:
    """A wide textured scene around one colour, uint8 [180, 640, 3]."""
    noise = np.random.default_rng(seed).integers(-70, 70, (23, 80, 3)) + np.array(tint)
    picture = Image.fromarray(noise.clip(0, 255).astype(np.uint8))
    return np.asarray(picture.resize((640, 180), Image.Resampling.BICUBIC))


def view(scene: np.ndarray, left: int) -> np.ndarray:
    return scene[:, left : left + 320]


MEADOW, FOREST, NIGHT = world(1, (150, 200, 90)), world(2, (40, 110, 60)), world(3, (30, 30, 70))


@pytest.mark.parametrize(
    ("before", "after"), [(MEADOW, FOREST), (FOREST, NIGHT), (NIGHT, MEADOW)], ids=["meadow", "forest", "night"]
)
def test_another_scene_is_a_cut(before, after):
    assert is_cut(view(before, 0), view(after, 0))
    assert is_cut(view(after, 100), view(before, 0))


@pytest.mark.parametrize("shift", [0, 20, 55, 200])
@pytest.mark.parametrize("scene", [MEADOW, FOREST, NIGHT], ids=["meadow", "forest", "night"])
def test_a_pan_is_no_cut_however_fast(scene, shift):
    """Fails when the colours are left out of the score: tried."""
    assert not is_cut(view(scene, 0), view(scene, shift))


def test_fades_and_noise_are_no_cuts():
    """A fade over half a second, at 24 frames a second."""
    frame = view(MEADOW, 0)
    darker = (frame * 0.92).astype(np.uint8)
    noisy = (frame + np.random.default_rng(0).normal(0, 12, frame.shape)).clip(0, 255).astype(np.uint8)
    assert not is_cut(frame, darker)
    assert not is_cut(frame, noisy)
    assert cut_score(frame, frame.copy()) == 0


def test_the_score_does_not_depend_on_which_frame_is_first():
    score = cut_score(view(MEADOW, 0), view(FOREST, 0))
    assert score == pytest.approx(cut_score(view(FOREST, 0), view(MEADOW, 0)), abs=0.02)
    assert score > 1.3 * THRESHOLD


def test_small_clips_of_one_colour_are_cut_where_the_colour_changes():
    """What the shipped model draws: 64 pixels a side, a sprite on a plain ground."""
    frames = [np.full((64, 64, 3), colour, np.uint8) for colour in ((50, 95, 215), (205, 45, 45))]
    moved = frames[0].copy()
    for frame, left in ((frames[0], 10), (frames[1], 10), (moved, 14)):
        frame[20:40, left : left + 20] = (250, 220, 90)
    assert is_cut(frames[0], frames[1])
    assert not is_cut(frames[0], moved)
