"""Where a loop's file begins."""

import numpy as np
import pytest

from vidgen.longvideo.loop import TURNED, calmest, turned

RNG = np.random.default_rng(0)


def moving(steps) -> np.ndarray:
    """Frames whose grey grows by these steps."""
    grey = np.concatenate([[0], np.cumsum(steps)])
    return np.broadcast_to(grey[:, None, None, None], (len(grey), 4, 4, 3)).astype(np.uint8)


@pytest.mark.parametrize("place", range(TURNED + 1))
def test_the_calmest_step_is_found(place):
    """Fails when the step from the last frame to the first is left out: tried, at place 0."""
    steps = [9] * 12
    steps[place] = 3
    line = moving(steps)
    assert calmest(line[:1], line[1:]) == place


def test_no_further_than_there_is_room():
    line = moving([9, 9, 3, 9, 1, 9, 9, 9, 9])
    assert calmest(line[:1], line[1:], 3) == 2


@pytest.mark.parametrize("by", [0, 1, 4, 7])
def test_a_turned_loop_has_the_same_frames_in_the_same_circle(by):
    frames = RNG.integers(0, 255, (14, 2, 2, 3), np.uint8)
    chunks = (frames[:1], frames[1:5], frames[5:9], frames[9:])
    assert np.array_equal(np.concatenate(list(turned(chunks, by))), np.roll(frames, -by, 0))
