"""The canvas of items: what is known and what is to be made, in whole clips and in pieces of them."""

import numpy as np
import pytest
import torch

from vidgen.errors import SpecError
from vidgen.media.tensor import to_pixels
from vidgen.motion.canvas import Use, blank_canvas
from vidgen.motion.controls.flow_colours import flow_colours
from vidgen.motion.items import Items, NamedItem
from vidgen.motion.keyframe import Keyframe

SIDE = 8
RED = torch.tensor([1.0, -1.0, -1.0]).view(3, 1, 1).expand(3, SIDE, SIDE)


def test_a_keyframe_is_known_in_the_piece_that_holds_it_and_nowhere_else():
    """Fails when places are not counted from the piece's first frame: tried."""
    items = Items([NamedItem(Keyframe(RED, 6), "red", (6, 7))])
    piece = items.canvas(4, 5, 17, SIDE, SIDE)
    assert [float(piece.mask[:, :, n].max()) for n in range(5)] == [1, 1, 0, 1, 1]
    assert torch.equal(piece.pixels[0, :, 2], RED)
    before = items.canvas(0, 5, 17, SIDE, SIDE)
    assert not before.is_known
    assert (items.name_of(0, 5), items.name_of(4, 5)) == ("", "red")


def test_a_frame_that_is_taken_is_refused():
    items = Items([NamedItem(Keyframe(RED, 2), "a"), NamedItem(Keyframe(RED, -15), "b")])
    with pytest.raises(SpecError, match="frame 2: two conditions claim it"):
        items.canvas(0, 5, 17, SIDE, SIDE)


def test_a_layer_lies_under_the_mask_alone():
    """Known pixels stay as they are beside a control. Fails when the layer covers them: tried."""
    canvas = Keyframe(RED, 0).apply_to(blank_canvas(5, SIDE, SIDE)).led(torch.full((1, 3, 5, SIDE, SIDE), 0.5), Use())
    (layer,) = canvas.control_layers()
    told = canvas.under(layer)
    assert torch.equal(told[0, :, 0], RED)
    assert bool((told[:, :, 1:] == 0.5).all())


def test_a_motion_is_drawn_against_the_full_speed_or_its_own():
    flow = np.zeros((5, 2, SIDE, SIDE), np.float32)
    flow[:, 0] = 1.0
    canvas = blank_canvas(5, SIDE, SIDE).moved(flow, Use(0.5))
    (drawn,) = canvas.control_layers(0.25)
    assert drawn.use.weight == 0.5
    assert torch.equal(drawn.pixels, to_pixels(flow_colours(flow, 0.25)))
    (relative,) = canvas.control_layers()
    assert torch.equal(relative.pixels, to_pixels(flow_colours(flow, 1 / SIDE)))
    assert not torch.equal(relative.pixels, drawn.pixels)
