"""Measures of the autoencoder see what PSNR does not: motion frozen inside groups of frames, angles of a spin."""

import numpy as np

from training.evaluate_autoencoder import angle_error, frame_change, held, spins
from training.sprites import Sprite, sprite_from_rgba


def wedge() -> Sprite:
    """A shape that looks different at every angle."""
    y, x = np.mgrid[-1:1:64j, -1:1:64j]
    rgba = np.zeros((64, 64, 4), np.uint8)
    rgba[(np.abs(y) < 0.3) & (np.abs(x) < 0.9)] = (30, 60, 220, 255)
    rgba[(x > 0.2) & (np.abs(y) < 0.6) & (x < 0.9)] = (220, 30, 30, 255)
    return sprite_from_rgba(rgba)


def test_groups_held_still_do_not_change_inside_and_lag_behind_a_spin() -> None:
    """Fails when `held` keeps the frames as they are: tried."""
    clips, places = spins([wedge()], 4, np.random.default_rng(0))
    assert frame_change(clips) > 0
    assert frame_change(held(clips)) == 0
    assert np.all(held(clips)[:, [0, 1, 5, 9, 13]] == clips[:, [0, 1, 5, 9, 13]])
    assert angle_error([wedge()], clips, places) < 1
    assert 8 < angle_error([wedge()], held(clips), places) < 20
