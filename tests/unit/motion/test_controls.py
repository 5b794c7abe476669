"""What control videos look like: every drawing says what it was drawn from."""

import numpy as np
import pytest

from vidgen.motion.controls.canny import canny
from vidgen.motion.controls.depth import depth
from vidgen.motion.controls.flow_colours import FULL_SPEED, flow_colours
from vidgen.motion.controls.gray import gray
from vidgen.motion.controls.layout import Box, layout

SIDE = 64


def one_motion(x: float, y: float) -> np.ndarray:
    """The colour of a motion in shares of the full speed."""
    flow = np.zeros((1, 2, SIDE, SIDE), np.float32)
    flow[:, 0], flow[:, 1] = x * FULL_SPEED * SIDE, y * FULL_SPEED * SIDE
    return flow_colours(flow)[0, 0, 0].astype(int)


def test_rest_is_white_and_faster_motion_more_saturated() -> None:
    speeds = [one_motion(speed, 0) for speed in (0, 0.3, 0.6, 1.0, 5.0)]
    assert speeds[0].tolist() == [255, 255, 255]
    spans = [colour.max() - colour.min() for colour in speeds]
    assert spans[0] < spans[1] < spans[2] < spans[3] == spans[4] == 255


@pytest.mark.parametrize(
    ("motion", "colour"),
    [((1, 0), (255, 0, 0)), ((0, 1), (255, 229, 0)), ((-1, 0), (0, 209, 255)), ((0, -1), (88, 0, 255))],
)
def test_directions_have_the_colours_of_the_middlebury_wheel(
    motion: tuple[int, int], colour: tuple[int, int, int]
) -> None:
    """Right is red, down yellow, left cyan, up violet, as in the benchmark's chart. Fails when a sign is turned:
    tried."""
    assert np.abs(one_motion(*motion) - colour).max() <= 24


def test_edges_lie_where_the_brightness_steps() -> None:
    clip = np.zeros((2, SIDE, SIDE, 3), np.uint8)
    clip[:, :, 20:] = 200
    edges = canny(clip)
    assert edges.shape == clip.shape
    assert set(np.unique(edges)) == {0, 255}
    assert set(np.nonzero(edges[0, 10, :, 0])[0]) <= {18, 19, 20}


def test_gray_keeps_brightness_and_drops_colour() -> None:
    red, green = np.zeros((1, 4, 4, 3), np.uint8), np.zeros((1, 4, 4, 3), np.uint8)
    red[..., 0], green[..., 1] = 255, 255
    assert np.unique(gray(red)).tolist() == [76]
    assert np.unique(gray(green)).tolist() == [150]


def test_boxes_are_outlined_and_unseen_ones_left_out() -> None:
    frames = layout([[Box(0.25, 0.25, 0.75, 0.5), None]], SIDE, SIDE)
    dark = np.argwhere(frames[0, ..., 0] == 0)
    assert (dark.min(0) >= (15, 15)).all()
    assert (dark.max(0) <= (32, 48)).all()
    assert frames[0, 24, 32, 0] == 255, "a box is not filled"
    assert (frames[1] == 255).all()


def test_what_is_near_is_bright() -> None:
    levels = depth(np.array([[[0.0, 0.5, 1.0, 2.0]]], np.float32))
    assert levels[0, 0, :, 0].tolist() == [0, 128, 255, 255]
