"""Times and cuts of interpolation, with a stand-in for the network that blends."""

from fractions import Fraction

import numpy as np
import pytest

from vidgen.errors import SpecError
from vidgen.post.interpolate import Interpolation
from vidgen.spec.clip_shape import ClipShape
from vidgen.spec.post import Interpolate, RemoveBackground, Upscale, shapes_after

CLIP = ClipShape(16, 8, 9, Fraction(8))


class Blend:
    """Draws the mean, so that a frame's value tells its time."""

    def between(self, before, after, times):
        return np.stack([np.rint(before + (after.astype(float) - before) * time).astype(np.uint8) for time in times])


def jumps(before, after) -> bool:
    return abs(int(before.mean()) - int(after.mean())) > 60


def ramp(num_frames, step=8):
    return (np.arange(num_frames, dtype=np.uint8) * step)[:, None, None, None] * np.ones((1, 8, 16, 3), np.uint8)


def through(frames, source_fps, fps):
    step = Interpolation(Blend(), jumps, source_fps=Fraction(source_fps), fps=Fraction(fps))
    return np.concatenate(list(step.through(iter([frames[:1], frames[1:4], frames[4:]]))))


@pytest.mark.parametrize(
    ("fps", "count"), [(16, 17), (32, 33), (64, 65), (24, 25), (12, 13), (30, 31), (4, 5), (Fraction(30000, 1001), 30)]
)
def test_every_frame_shows_its_moment(fps, count):
    """Fails when times are rounded to floats that drift, or the last frame is lost: tried."""
    out = through(ramp(9), 8, fps)
    assert len(out) == count == Interpolate(fps=float(fps)).after(CLIP, "post.0").num_frames
    values = out[:, 0, 0, 0].astype(float)
    assert np.abs(values - np.arange(count) * 8 / float(fps) * 8).max() <= 0.51
    if Fraction(fps) % 8 == 0:
        assert np.array_equal(out[:: int(Fraction(fps) / 8)], ramp(9))  # the source's own frames, bit by bit


def test_nothing_is_drawn_across_a_cut():
    """Fails when the cut is not asked for: tried."""
    frames = np.concatenate([ramp(4), ramp(4) + 200])
    values = through(frames, 8, 32)[:, 0, 0, 0]
    before, after = values[values < 100], values[values >= 100]
    assert before.max() == frames[3].max()
    assert after.min() == frames[4].min()
    assert len(values) == 29
    # of the three moments between the shots two show the second, which is as near at the middle
    assert list(values[12:17]) == [24, 24, 200, 200, 200]


def test_one_frame_stays_one_and_none_none():
    step = Interpolation(Blend(), jumps, source_fps=Fraction(8), fps=Fraction(16))
    assert len(np.concatenate(list(step.through(iter([ramp(1)]))))) == 1
    assert list(step.through(iter([]))) == []


def test_what_cannot_be_is_refused_with_the_nearest_that_can():
    with pytest.raises(SpecError, match=r"post.0: give factor or fps"):
        shapes_after((Interpolate(),), CLIP)
    fast = ClipShape(16, 8, 9, Fraction(60))
    with pytest.raises(SpecError, match=r"post.0.factor=8: 480 frames a second; at most 240; nearest is 4") as refused:
        shapes_after((Interpolate(factor=8),), fast)
    assert (refused.value.field, refused.value.nearest) == ("post.0.factor", (4,))
    with pytest.raises(SpecError, match=r"post.1.factor=4: 8192×4096; .* nearest is 2") as refused:
        shapes_after((Interpolate(factor=2), Upscale(factor=4)), ClipShape(2048, 1024, 9, Fraction(8)))
    assert refused.value.nearest == (2,)
    with pytest.raises(SpecError, match="put it before remove-background"):
        shapes_after((RemoveBackground(), Upscale()), CLIP)
