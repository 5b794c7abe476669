"""The mark is where it was asked for, and nowhere else."""

import numpy as np
import pytest
from PIL import Image

from vidgen.errors import SpecError
from vidgen.post.watermark import Watermarker
from vidgen.spec import MediaRef
from vidgen.spec.post import Watermark

GREY = np.full((3, 96, 160, 3), 100, np.uint8)
PLACES = {
    "top-left": (slice(0, 48), slice(0, 80)),
    "top-right": (slice(0, 48), slice(80, 160)),
    "bottom-left": (slice(48, 96), slice(0, 80)),
    "bottom-right": (slice(48, 96), slice(80, 160)),
}


def changed(out):
    return np.abs(out.astype(int) - GREY).max((0, 3)) > 0


@pytest.mark.parametrize("position", PLACES)
def test_a_text_stands_in_its_corner_in_every_frame(position):
    step = Watermarker(Watermark(text="vidgen", position=position, size=0.15))
    out = np.concatenate(list(step.through(iter([GREY[:1], GREY[1:]]))))
    mask = changed(out)
    assert mask[PLACES[position]].sum() > 100
    mask[PLACES[position]] = False
    assert not mask.any()
    assert np.array_equal(out[0], out[2])
    assert out.max() > 150
    assert np.array_equal(GREY, np.full_like(GREY, 100))  # the frames given are left alone


def test_opacity_and_size():
    faint, strong = (
        next(Watermarker(Watermark(text="A", opacity=it, size=0.3)).through(iter([GREY]))) for it in (0.2, 1.0)
    )
    assert 100 < faint.max() < strong.max() == 255
    small, large = (
        changed(next(Watermarker(Watermark(text="A", size=it)).through(iter([GREY])))).any(1).sum() for it in (0.1, 0.4)
    )
    assert abs(int(small) - 10) <= 2
    assert abs(int(large) - 38) <= 3


def test_a_picture_keeps_its_transparency_and_its_shape(tmp_path):
    mark = np.zeros((20, 40, 4), np.uint8)
    mark[:, :20] = (255, 0, 0, 255)
    Image.fromarray(mark).save(tmp_path / "mark.png")
    spec = Watermark(image=MediaRef(upload_id="upl_x"), position="center", opacity=1, size=20 / 96)
    out = next(Watermarker(spec, tmp_path / "mark.png").through(iter([GREY])))
    assert tuple(out[0, 48, 65]) == (255, 0, 0)
    assert tuple(out[0, 48, 95]) == (100, 100, 100)


def test_over_clear_frames_the_mark_is_seen():
    clear = np.zeros((2, 96, 160, 4), np.uint8)
    out = next(Watermarker(Watermark(text="A", opacity=1, size=0.5)).through(iter([clear])))
    assert out[..., 3].max() == 255
    assert out[0, 0, 0, 3] == 0


def test_a_faint_mark_over_clear_frames_keeps_its_colour():
    """Fails when the mark's colours are mixed with those of pixels that are not seen, which are black: tried."""
    clear = np.zeros((1, 96, 160, 4), np.uint8)
    out = next(Watermarker(Watermark(text="H", opacity=0.5, size=0.8)).through(iter([clear])))
    letter = out[0][out[0, ..., 3] == 128]
    assert len(letter) > 200
    assert np.median(letter[:, :3]) == 255
    assert np.array_equal(out[0, 0, 0], (0, 0, 0, 0))


def test_a_mark_over_a_half_clear_picture_weighs_colours_by_their_alpha(tmp_path):
    """Half of red over half of blue: three quarters are seen, two parts red and one blue (Porter and Duff 1984).

    Fails when colours are mixed by the mark's opacity alone: tried.
    """
    Image.new("RGBA", (40, 20), (255, 0, 0, 255)).save(tmp_path / "mark.png")
    spec = Watermark(image=MediaRef(upload_id="upl_x"), position="center", opacity=0.5, size=20 / 96)
    under = np.full((1, 96, 160, 4), (0, 0, 255, 128), np.uint8)
    out = next(Watermarker(spec, tmp_path / "mark.png").through(iter([under])))
    assert np.abs(out[0, 48, 80].astype(int) - (170, 0, 85, 192)).max() <= 1
    assert tuple(out[0, 0, 0]) == (0, 0, 255, 128)


def test_letters_that_the_font_lacks_are_named():
    with pytest.raises(SpecError, match="the font has no 猫"):
        next(Watermarker(Watermark(text="a 猫")).through(iter([GREY])))
