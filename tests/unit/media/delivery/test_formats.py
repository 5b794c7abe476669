"""Every delivery format: exact counts and rates, colours true and tagged, transparency kept, the same bytes again."""

import zipfile
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from vidgen.errors import MediaError, SpecError
from vidgen.media.delivery import encoders
from vidgen.media.delivery.deliver import check_encoder, deliver
from vidgen.media.probe import probe
from vidgen.media.reader import every_frame
from vidgen.media.recall import recall
from vidgen.spec import FORMATS, Output, Recipe, TextToVideo, resolved_output

RECIPE = Recipe(spec=TextToVideo(prompt="a <red> cat & a “dog”", seed=7), model_revision="3", vidgen="0")
COLOURS = np.array([(220, 40, 40), (40, 200, 60), (50, 80, 230), (240, 220, 50)], np.uint8)
EVERY = [(name, codec) for name, rule in FORMATS.items() for codec in rule.codecs]
WITH_ALPHA = [(name, codec) for name, rule in FORMATS.items() for codec in rule.alpha]
LOSSLESS = [(name, codec) for name, rule in FORMATS.items() for codec in rule.lossless]


def stripes(num_frames: int, alpha: bool = False) -> np.ndarray:
    """Four flat stripes that darken from frame to frame; with `alpha`, a clear square moves over them."""
    frame = np.repeat(COLOURS, 16, axis=0)[None].repeat(48, axis=0).astype(int)
    frames = np.stack([np.clip(frame - 6 * n, 0, 255).astype(np.uint8) for n in range(num_frames)])
    if not alpha:
        return frames
    opacity = np.full((*frames.shape[:3], 1), 255, np.uint8)
    for n in range(num_frames):
        opacity[n, 8:40, 2 * n : 2 * n + 24] = 0
    return np.concatenate([frames, opacity], -1)


def written(folder: Path, frames: np.ndarray, fps: Fraction | int = 12, **output: str) -> Path:
    folder.mkdir(exist_ok=True)
    alpha = frames.shape[-1] == 4
    asked = resolved_output(Output(**output), fps=fps, alpha=alpha)
    chunks = [frames[:1], frames[1:5], frames[5:]]
    return deliver(chunks, folder, output=asked, fps=fps, recipe=RECIPE, alpha=alpha).path


@pytest.mark.parametrize(("name", "codec"), EVERY)
def test_count_rate_colours_and_recipe(tmp_path, name, codec):
    """Fails when the colour matrix is not told to the converter, when a rate is rounded, or when the recipe is left
    out: tried."""
    fps = Fraction(25) if name == "gif" else Fraction(30000, 1001)
    path = written(tmp_path, stripes(11), fps, format=name, codec=codec)
    assert path.suffix == FORMATS[name].suffix
    info, frames = probe(path), list(every_frame(path))
    assert (info.num_frames, len(frames), info.width, info.height) == (11, 11, 64, 48)
    if name == "webp":
        assert float(info.fps) == pytest.approx(float(fps), rel=2e-3)  # it counts milliseconds
    else:
        assert info.fps == fps
    for n in (0, 10):
        centres = frames[n][24, [8, 24, 40, 56]].astype(int)
        assert np.abs(centres - np.clip(COLOURS.astype(int) - 6 * n, 0, 255)).max() <= 6
    assert recall(path) == RECIPE
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize(("name", "codec"), [pair for pair in EVERY if pair[0] in ("mp4", "webm", "prores")])
def test_players_are_told_which_colours_these_are(tmp_path, name, codec):
    """Fails when the frames are not marked, which is what ProRes goes by: tried."""
    with av.open(str(written(tmp_path, stripes(3), format=name, codec=codec))) as container:
        frame = next(container.decode(video=0))
        told = (frame.colorspace, frame.color_primaries, frame.color_trc, frame.color_range)
    assert tuple(map(int, told)) == (1, 1, 1, 1)  # BT.709 three times, limited range


@pytest.mark.parametrize("codec", ["h264", "hevc", "av1"])
def test_the_index_of_an_mp4_comes_first(tmp_path, codec):
    content = written(tmp_path, stripes(3), format="mp4", codec=codec).read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")


@pytest.mark.parametrize(("name", "codec"), EVERY)
def test_the_same_frames_give_the_same_bytes(tmp_path, name, codec):
    """Fails when Matroska's random ids are let in, or the zip's clock: tried."""
    noise = np.random.default_rng(1).integers(0, 255, (9, 48, 64, 3), np.uint8)
    first = written(tmp_path / "a", noise, format=name, codec=codec).read_bytes()
    assert written(tmp_path / "b", noise, format=name, codec=codec).read_bytes() == first


@pytest.mark.parametrize(("name", "codec"), LOSSLESS)
def test_lossless_keeps_every_pixel(tmp_path, name, codec):
    noise = np.random.default_rng(2).integers(0, 255, (7, 48, 64, 3), np.uint8)
    path = written(tmp_path, noise, format=name, codec=codec, quality="lossless")
    assert np.array_equal(np.stack(list(every_frame(path))), noise)


@pytest.mark.parametrize(("name", "codec"), [pair for pair in EVERY if pair[0] in ("mp4", "webm", "webp")])
def test_a_higher_quality_is_nearer_to_the_frames_and_larger(tmp_path, name, codec):
    noise = np.random.default_rng(3).integers(0, 255, (9, 12, 16, 3), np.uint8).repeat(4, 1).repeat(4, 2)
    paths = [written(tmp_path / it, noise, format=name, codec=codec, quality=it) for it in ("draft", "high")]
    errors = [np.abs(np.stack(list(every_frame(path))).astype(int) - noise).mean() for path in paths]
    assert paths[0].stat().st_size < paths[1].stat().st_size
    assert errors[0] > errors[1]


def test_a_better_gif_holds_the_mean_colour_of_a_place(tmp_path):
    """256 colours by themselves make bands; dithering keeps the mean over a few pixels."""
    ramp = np.zeros((2, 48, 64, 3), np.uint8)
    ramp[..., 0], ramp[..., 1] = np.linspace(0, 255, 64), np.linspace(0, 255, 48)[:, None]
    ramp[..., 2] = 255 - ramp[..., 0] // 2 - ramp[..., 1] // 2
    means = []
    for quality in ("draft", "high"):
        back = np.stack(list(every_frame(written(tmp_path / quality, ramp, format="gif", quality=quality))))
        error = (back.astype(float) - ramp).reshape(2, 12, 4, 16, 4, 3).mean((2, 4))
        means.append(np.abs(error).mean())
    assert means[1] < 0.8 * means[0]


@pytest.mark.parametrize(("name", "codec"), WITH_ALPHA)
def test_transparency_is_kept_where_the_format_carries_it(tmp_path, name, codec):
    frames = stripes(9, alpha=True)
    path = written(tmp_path, frames, format=name, codec=codec)
    back = np.stack(list(every_frame(path, alpha=True)))
    assert probe(path).alpha
    assert np.abs(back[..., 3].astype(int) - frames[..., 3]).mean() < 3
    seen = frames[..., 3] == 255
    assert np.abs(back[..., :3].astype(int) - frames[..., :3])[seen].mean() < 6
    # and what cannot show it sees white through it
    assert np.abs(next(every_frame(path)).astype(int)[20, 8] - 255).max() < 8


def test_what_a_format_cannot_carry_is_refused_with_what_can():
    with pytest.raises(SpecError, match=r"output.format=mp4: it carries no transparency; .*webm"):
        resolved_output(Output(), fps=8, alpha=True)
    with pytest.raises(SpecError, match=r"output.codec=prores-422.*nearest is prores-4444"):
        resolved_output(Output(format="prores", codec="prores-422"), fps=8, alpha=True)
    with pytest.raises(SpecError, match=r"output.codec=vp9: mp4 has h264, hevc, av1; nearest is h264"):
        resolved_output(Output(codec="vp9"), fps=8)
    with pytest.raises(SpecError, match=r"output.quality=lossless: av1 .*nearest is high"):
        resolved_output(Output(codec="av1", quality="lossless"), fps=8)
    with pytest.raises(SpecError, match=r"at most 50 frames a second, the clip has 60") as refused:
        resolved_output(Output(format="gif"), fps=60)
    assert refused.value.nearest == (50,)
    assert resolved_output(Output(format="prores"), fps=8, alpha=True).codec == "prores-4444"
    assert resolved_output(Output(format="prores"), fps=8).codec == "prores-422"


def test_transparent_frames_never_lose_their_transparency_in_silence(tmp_path):
    with pytest.raises(MediaError, match="transparent"):
        deliver([stripes(3, alpha=True)], tmp_path, output=Output(codec="h264"), fps=8, recipe=RECIPE)
    assert list(tmp_path.iterdir()) == []


def test_an_encoder_that_is_not_there_is_named_before_any_work(monkeypatch):
    monkeypatch.setattr(encoders, "is_there", lambda name: name != "libx265")
    with pytest.raises(MediaError, match=r"output.codec=hevc: .* no encoder libx265; nearest is h264"):
        check_encoder(Output(codec="hevc"))
    check_encoder(Output(format="png", codec="png"))


def test_odd_sides_are_refused_or_kept(tmp_path):
    odd = np.zeros((2, 33, 35, 3), np.uint8)
    with pytest.raises(MediaError, match="35×33: this format needs even sides; nearest is 34×32"):
        written(tmp_path, odd)
    assert probe(written(tmp_path, odd, format="png")).width == 35


def test_pictures_of_a_sequence_are_named_in_order_and_carry_the_recipe(tmp_path):
    path = written(tmp_path, stripes(11), format="png")
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist() == [f"frame-{n:06d}.png" for n in range(11)]
        archive.extract("frame-000004.png", tmp_path)
    assert recall(tmp_path / "frame-000004.png") == RECIPE
    with Image.open(tmp_path / "frame-000004.png") as picture:
        assert picture.info["srgb"] == 0
        assert np.array_equal(np.asarray(picture), stripes(11)[4])


def test_a_frame_that_changes_nothing_still_counts(tmp_path):
    still = np.repeat(stripes(1), 6, 0)
    for name in ("webp", "gif"):
        info = probe(written(tmp_path / name, still, format=name))
        assert (info.num_frames, info.fps) == (6, 12)


@pytest.mark.parametrize("name", FORMATS)
def test_no_file_is_left_without_a_frame(tmp_path, name):
    with pytest.raises(MediaError, match="no frame"):
        deliver([], tmp_path, output=resolved_output(Output(format=name), fps=8), fps=8, recipe=RECIPE)
    assert list(tmp_path.iterdir()) == []
