"""The invisible mark is not seen, is found again in the file and at other sizes, and is not found where none is."""

from fractions import Fraction

import cv2
import numpy as np
import pytest

from tests.unit.post.scenes import disc, texture
from vidgen.errors import SpecError
from vidgen.media.delivery.deliver import deliver
from vidgen.media.reader import every_frame
from vidgen.post.chain import Chain, Tools
from vidgen.post.invisible.message import BITS, bits_of, message_in
from vidgen.post.invisible.read import WatermarkReader
from vidgen.post.invisible.write import InvisibleMarker
from vidgen.spec import ClipShape, Output, Recipe, TextToVideo, resolved_output
from vidgen.spec.post import InvisibleWatermark, ReadWatermark, Upscale, shapes_after
from vidgen_models.networks import NetworkRegistry

MESSAGE, OTHER = "c0ffee42", "3fffee43"
SCENES = {"texture": texture(12), "black ground": disc(12, ground=(0, 0, 0))[0]}
CLIP = ClipShape(64, 64, 12, Fraction(8))
TOOLS = Tools(media={}, networks=NetworkRegistry())


def marked(frames, message=MESSAGE):
    step = InvisibleMarker(InvisibleWatermark(message=message))
    return np.concatenate(list(step.through(iter([frames[:5], frames[5:]]))))


def seen(frames) -> WatermarkReader:
    reader = WatermarkReader()
    assert all(part is frames for part in reader.through(iter([frames])))
    return reader


def encoded(frames, folder, quality="high"):
    """As a job's file has them."""
    folder.mkdir()
    output = resolved_output(Output(quality=quality), fps=8)
    recipe = Recipe(spec=TextToVideo(), model_revision="", vidgen="")
    file = deliver([frames], folder, output=output, fps=8, recipe=recipe).path
    return np.stack(list(every_frame(file)))


def enlarged(frames):
    shape = ClipShape(64, 64, len(frames), Fraction(8))
    return np.concatenate(list(Chain((Upscale(),), shape, TOOLS).through(iter([frames]))))


WAYS = {
    "file": encoded,
    "standard file": lambda frames, folder: encoded(frames, folder, "standard"),
    "enlarged file": lambda frames, folder: encoded(enlarged(frames), folder),
    "three quarters": lambda frames, _: np.stack(
        [cv2.resize(it, (48, 48), interpolation=cv2.INTER_AREA) for it in frames]
    ),
}


@pytest.mark.parametrize("scene", SCENES)
@pytest.mark.parametrize("way", WAYS)
def test_every_bit_is_found_again_and_none_where_no_mark_is(scene, way, tmp_path):
    """Fails with a comb a quarter as wide, and when frames are moved once and not corrected (black ground): tried."""
    plain = SCENES[scene]
    found, other, control = (
        seen(WAYS[way](frames, tmp_path / name))
        for name, frames in (("marked", marked(plain)), ("other", marked(plain, OTHER)), ("plain", plain))
    )
    assert (found.reading.message, found.reading.frames) == (MESSAGE, len(plain))
    assert other.reading.message == OTHER
    assert control.reading.message is None
    assert 0.25 < np.mean(control.bits != bits_of(MESSAGE)) < 0.75
    assert control.reading.certainty < 0.3 < 0.7 < found.reading.certainty


@pytest.mark.parametrize("scene", SCENES)
def test_it_is_not_seen_and_comes_out_the_same(scene):
    """Fails when a frame is moved to any tooth but the nearest: tried."""
    plain = SCENES[scene]
    out = marked(plain)
    error = np.mean((out.astype(float) - plain) ** 2)
    assert 10 * np.log10(255**2 / error) > 43
    assert np.abs(out.astype(int) - plain).max() <= 12
    assert np.array_equal(out, marked(plain))


def test_what_is_transparent_stays_so_and_the_record_says_what_was_found():
    frames, _ = disc(6)
    clear = np.concatenate([frames, np.full((6, 64, 64, 1), 77, np.uint8)], 3)
    chain = Chain((InvisibleWatermark(message=MESSAGE), ReadWatermark()), CLIP, TOOLS)
    out = np.concatenate(list(chain.through(iter([clear]))))
    assert np.array_equal(out[..., 3], clear[..., 3])
    written, read = chain.log()
    assert written["message"] == MESSAGE
    assert read["found"]["message"] == MESSAGE
    assert read["gave"] == written["gave"]


def test_random_bits_are_no_message():
    """A check of 8 bits would let about 78 through."""
    random = np.random.default_rng(0).integers(0, 2, (20_000, BITS)).astype(np.uint8)
    assert not any(message_in(bits) for bits in random)
    assert message_in(bits_of(MESSAGE)) == MESSAGE


def test_what_is_too_small_is_refused_by_name():
    with pytest.raises(SpecError, match="needs sides of 64") as caught:
        shapes_after((InvisibleWatermark(),), ClipShape(64, 48, 2, Fraction(8)))
    assert caught.value.field == "post.0"
