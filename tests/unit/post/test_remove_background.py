"""Keying by colour: against discs whose coverage of every pixel is known."""

import numpy as np
import pytest

from tests.unit.post.scenes import disc, texture
from vidgen.errors import MediaError
from vidgen.post.remove_background import BackgroundRemover
from vidgen.spec.post import RemoveBackground


def result(frames, **options):
    step = BackgroundRemover(RemoveBackground(**options))
    return np.concatenate(list(step.through(iter([frames[:1], frames[1:]]))))


@pytest.mark.parametrize("noise", [0.0, 3.0])
def test_what_is_clear_is_what_the_subject_does_not_cover(noise):
    frames, covers = disc(5, noise=noise)
    out = result(frames)
    assert out.shape == (5, 64, 64, 4)
    opaque = out[..., 3] > 127
    truth = covers > 0.5
    assert (opaque & truth).sum() / (opaque | truth).sum() > 0.97
    assert np.abs(out[..., 3] / 255 - covers).mean() < 0.01


def test_no_fringe_of_the_old_background_is_left():
    """Fails when the background's share is not taken out of soft pixels: tried."""
    frames, _ = disc(3, ground=(30, 200, 60))
    out = result(frames)
    soft = (out[..., 3] > 20) & (out[..., 3] < 235)
    assert soft.sum() > 50
    green = frames[..., 1][soft].astype(int) - 120, out[..., 1][soft].astype(int) - 120
    assert np.abs(green[1]).mean() < np.abs(green[0]).mean() / 2


def test_over_a_new_colour_it_looks_as_if_it_had_been_there():
    frames, covers = disc(3)
    new = np.array([250, 250, 250])
    truth = covers[..., None] * np.array([220, 120, 40]) + (1 - covers[..., None]) * new
    out = result(frames, replace="#fafafa")
    assert out.shape[-1] == 3
    assert np.abs(out - truth).mean() < 1.0
    naive = np.where((covers > 0.02)[..., None], frames, new)
    assert np.abs(out - truth).mean() < np.abs(naive - truth).mean() / 2


def test_parts_of_the_backgrounds_colour_within_the_subject_are_kept_unless_asked():
    frames, _ = disc(3)
    for n, frame in enumerate(frames):
        frame[30:34, 18 + 2 * n : 22 + 2 * n] = (40, 90, 200)
    kept, through = result(frames)[..., 3], result(frames, holes=True)[..., 3]
    assert kept[0, 31, 19] == 255
    assert through[0, 31, 19] == 0
    assert kept[0, 5, 5] == through[0, 5, 5] == 0


def test_a_background_that_is_not_plain_is_refused_by_name():
    with pytest.raises(MediaError, match="frame 0 has no plain background") as refused:
        result(texture(3))
    assert refused.value.code == "no_plain_background"
    # with the colour given nothing has to be found
    assert result(texture(3), colour="#000000").shape[-1] == 4


def test_it_follows_a_background_that_changes():
    blue, covers = disc(2)
    green, _ = disc(2, ground=(30, 200, 60))
    out = result(np.concatenate([blue, green]))
    assert np.abs(out[..., 3] / 255 - np.concatenate([covers, covers])).mean() < 0.01
