"""Steps within a job and alone on a clip: what comes out, what is told meanwhile, and what the file says of itself."""

import json

import numpy as np
import pytest

from tests.unit.post.scenes import disc, texture
from vidgen.errors import Cancelled, MediaError, SpecError
from vidgen.media.probe import probe
from vidgen.media.reader import every_frame
from vidgen.media.recall import recall
from vidgen.media.writer import write_video
from vidgen.pipelines import Residency, render
from vidgen.pipelines.source_frames import source_shape
from vidgen.runtime.context import RunContext
from vidgen.spec import MediaRef, Output, ProcessVideo, Stage, TextToVideo, resolve, resolve_process
from vidgen.spec.post import Interpolate, RemoveBackground, Sharpen, ToneMap, Upscale, Watermark

CLIP = MediaRef(upload_id="upl_clip")


@pytest.fixture
def source(tmp_path):
    return write_video([disc(9)[0]], tmp_path / "source.mp4", fps=12, crf=1).path


def processed(source, out_dir, registry, *steps, **output):
    out_dir.mkdir()
    spec = ProcessVideo(video=CLIP, post=steps, output=Output(**output))
    told = []
    ctx = RunContext(media={CLIP.key: source}, report=told.append)
    result = render(resolve_process(spec, source_shape(source)), ctx, out_dir, Residency(registry))
    return result.video.path, told


def frames_of(path, **how):
    return np.stack(list(every_frame(path, **how)))


def test_a_background_goes_and_a_format_that_shows_it_comes(tmp_path, source, tiny_registry):
    path, told = processed(source, tmp_path / "out", tiny_registry, RemoveBackground(), format="webp")
    out, covers = frames_of(path, alpha=True), disc(9)[1]
    assert (probe(path).fps, out.shape) == (12, (9, 64, 64, 4))
    assert np.abs(out[..., 3] / 255 - covers).mean() < 0.03
    stages = [it.stage for it in told]
    assert (stages[0], stages[-1]) == (Stage.LOADING, Stage.PUBLISHING)
    assert Stage.PROCESSING in stages
    fractions = [it.fraction for it in told]
    assert fractions == sorted(fractions)
    receipt = json.loads((tmp_path / "out" / "receipt.json").read_text())
    assert receipt["model"] is None
    assert receipt["post"][0]["step"] == "remove-background"
    assert receipt["post"][0]["gave"]["sha256"] == receipt["frames"]["sha256"] != receipt["generated"]["sha256"]


def test_the_same_clip_and_steps_give_the_same_bytes(tmp_path, source, tiny_registry):
    steps = (ToneMap(exposure=0.5), Sharpen(), Watermark(text="a"))
    first, second = (processed(source, tmp_path / it, tiny_registry, *steps)[0].read_bytes() for it in "ab")
    assert first == second


def test_a_step_within_a_job_is_the_same_as_the_step_alone(tmp_path, tiny_registry):
    """Fails when the steps of a generating job are left out: tried."""
    rules = tiny_registry.get("tiny").rules
    asked = {"model": "tiny", "prompt": "a red cat", "seed": 3, "output": Output(format="png")}
    told = []
    for name, post in (("plain", ()), ("marked", (Watermark(text="x", opacity=1.0, size=0.4),))):
        (tmp_path / name).mkdir()
        spec = resolve(TextToVideo(**asked, post=post), rules)
        render(spec, RunContext(report=told.append), tmp_path / name, Residency(tiny_registry))
    within = frames_of(tmp_path / "marked" / "video.zip")
    path, _ = processed(tmp_path / "plain" / "video.zip", tmp_path / "alone", tiny_registry, *post, format="png")
    assert np.array_equal(frames_of(path), within)
    assert not np.array_equal(frames_of(tmp_path / "plain" / "video.zip"), within)
    marked = told[[it.stage for it in told].index(Stage.PUBLISHING) + 1 :]
    assert Stage.DECODING not in {it.stage for it in marked}
    assert [it.fraction for it in marked] == sorted(it.fraction for it in marked)


def test_the_recipe_goes_along_and_makes_the_same_frames_in_one_go(tmp_path, tiny_registry):
    """Through a change of format and a step: `whole` of the last file renders it from nothing.

    Fails when a processed file forgets the recipe that its source came with: tried.
    """
    spec = resolve(
        TextToVideo(model="tiny", prompt="a dog", output=Output(format="png")), tiny_registry.get("tiny").rules
    )
    (tmp_path / "first").mkdir()
    first = render(spec, RunContext(), tmp_path / "first", Residency(tiny_registry)).video.path
    other, _ = processed(first, tmp_path / "second", tiny_registry, format="webm", quality="lossless")
    last, _ = processed(other, tmp_path / "third", tiny_registry, Sharpen(amount=2), format="png")
    recipe = recall(last)
    assert [it.spec.task for it in recipe.chain()] == ["process-video", "process-video", "text-to-video"]
    whole = resolve(recipe.whole(), tiny_registry.get("tiny").rules)
    assert (whole.prompt, whole.seed, whole.post[0].amount, whole.output.format) == ("a dog", spec.seed, 2, "png")
    (tmp_path / "again").mkdir()
    again = render(whole, RunContext(), tmp_path / "again", Residency(tiny_registry)).video.path
    assert np.array_equal(frames_of(again), frames_of(last))


def test_transparency_of_a_source_is_kept_through(tmp_path, source, tiny_registry):
    clear, _ = processed(source, tmp_path / "a", tiny_registry, RemoveBackground(), format="png")
    path, _ = processed(clear, tmp_path / "b", tiny_registry, ToneMap(), format="webm")
    assert (frames_of(path, alpha=True)[..., 3] < 10).mean() > 0.5
    with pytest.raises(SpecError, match="it carries no transparency"):
        processed(clear, tmp_path / "c", tiny_registry, format="mp4")


def test_a_picture_is_no_clip_and_a_patterned_ground_no_plain_one(tmp_path, tiny_registry):
    noise = np.random.default_rng(0).integers(0, 255, (5, 32, 32, 3), np.uint8)
    clip = write_video([noise], tmp_path / "noise.mp4", fps=8, crf=1).path
    with pytest.raises(MediaError, match="no plain background"):
        processed(clip, tmp_path / "a", tiny_registry, RemoveBackground(), format="webp")
    assert list((tmp_path / "a").glob("video*")) == []


def test_it_can_be_cancelled_between_frames(tmp_path, source, tiny_registry):
    spec = resolve_process(ProcessVideo(video=CLIP), source_shape(source))
    with pytest.raises(Cancelled):
        render(spec, RunContext({CLIP.key: source}, cancelled=lambda: True), tmp_path, Residency(tiny_registry))
    assert not list(tmp_path.glob("video*"))


def test_more_frames_and_larger_ones_and_nothing_drawn_across_a_cut(tmp_path, tiny_registry):
    """Fails when the cut detector is not asked: tried."""
    first, second = disc(5)[0], 255 - texture(5)
    clip = write_video([first, second], tmp_path / "cut.mp4", fps=8, crf=1).path
    shots = frames_of(clip).astype(int)
    path, _ = processed(clip, tmp_path / "out", tiny_registry, Interpolate(factor=4), Upscale(), format="png")
    info = probe(path)
    assert (info.num_frames, info.fps, info.width) == (37, 32, 128)
    small = frames_of(path).reshape(37, 64, 2, 64, 2, 3).mean((2, 4))
    # frames 17 to 19 lie between the shots: each is the last of the one or the first of the other
    for place, shown in ((17, shots[4]), (18, shots[5]), (19, shots[5])):
        assert np.abs(small[place] - shown).mean() < 4
    assert np.abs(shots[4] - shots[5]).mean() > 30
