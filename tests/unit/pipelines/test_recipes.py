"""The three recipes on a tiny checkpoint of the real classes: effects on frames, determinism, progress, cancel."""

from pathlib import Path

import numpy as np
import pytest
import torch

from vidgen.errors import Cancelled, SpecError
from vidgen.media.writer import write_video
from vidgen.pipelines import Residency
from vidgen.pipelines.factory import pipeline_for
from vidgen.runtime.context import RunContext
from vidgen.spec import ImageToVideo, MediaRef, Progress, Stage, TextToVideo, VideoToVideo, resolve

CLIP = MediaRef(upload_id="upl_clip")


@pytest.fixture(scope="module")
def residency(tiny_registry) -> Residency:
    return Residency(tiny_registry)


@pytest.fixture(scope="module")
def source(tmp_path_factory) -> Path:
    frames = np.full((17, 32, 32, 3), 40, np.uint8)
    for number in range(17):
        frames[number, 8:24, number : number + 12] = (230, 120, 40)
    return write_video([frames], tmp_path_factory.mktemp("source") / "source.mp4", fps=8).path


def frames_of(residency: Residency, spec, ctx: RunContext | None = None) -> np.ndarray:
    spec = resolve(spec, residency.registry.get("tiny").rules)
    with torch.inference_mode():
        return np.concatenate(list(pipeline_for(spec.task, residency.model("tiny"))(spec, ctx or RunContext())))


def text(**fields) -> TextToVideo:
    return TextToVideo(**{"model": "tiny", "prompt": "a red cat", "seed": 3} | fields)


def distance(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.abs(a.astype(float) - b.astype(float)).mean())


def test_the_clip_has_the_frames_and_size_asked_for(residency):
    assert frames_of(residency, text(num_frames=13, width=48, height=32)).shape == (13, 32, 48, 3)


def test_the_same_spec_gives_the_same_frames(residency):
    assert np.array_equal(frames_of(residency, text()), frames_of(residency, text()))


@pytest.mark.parametrize(
    "change",
    [{"seed": 4}, {"prompt": "the green dog spins slowly"}, {"guidance_scale": 1.0}, {"negative_prompt": "blue"}],
    ids=lambda change: next(iter(change)),
)
def test_each_of_these_changes_the_frames(residency, change):
    assert distance(frames_of(residency, text()), frames_of(residency, text(**change))) > 0


def test_the_first_picture_changes_an_image_to_video_clip(residency, source):
    ctx = RunContext(media={CLIP.key: source})
    clips = [
        frames_of(residency, ImageToVideo(model="tiny", prompt="a red cat", seed=3, image=at_frame(frame)), ctx)
        for frame in (0, -1)
    ]
    assert distance(*clips) > 0


def at_frame(frame: int) -> MediaRef:
    return CLIP.model_copy(update={"frame": frame})


def test_strength_zero_returns_the_source(residency, source):
    from vidgen.media.reader import read_frames_pyav

    ctx = RunContext(media={CLIP.key: source})
    spec = VideoToVideo(model="tiny", video=CLIP, strength=0.0, seed=1, num_frames=17)
    assert np.array_equal(frames_of(residency, spec, ctx), read_frames_pyav(source, range(17)))


def test_strength_one_ignores_the_source(residency, source, tmp_path):
    other = write_video([np.full((17, 32, 32, 3), 200, np.uint8)], tmp_path / "other.mp4", fps=8).path
    spec = VideoToVideo(model="tiny", video=CLIP, strength=1.0, seed=1)
    clips = [frames_of(residency, spec, RunContext(media={CLIP.key: path})) for path in (source, other)]
    assert np.array_equal(*clips)
    halfway = spec.model_copy(update={"strength": 0.5})
    clips = [frames_of(residency, halfway, RunContext(media={CLIP.key: path})) for path in (source, other)]
    assert distance(*clips) > 1


def test_progress_rises_and_counts_every_step(residency):
    seen: list[Progress] = []
    frames_of(residency, text(num_inference_steps=7), RunContext(report=seen.append))
    fractions = [progress.fraction for progress in seen]
    assert fractions == sorted(fractions)
    assert [p.step for p in seen if p.stage is Stage.DENOISING] == [1, 2, 3, 4, 5, 6, 7]
    assert seen[-1].stage is Stage.DECODING


def test_a_cancel_is_seen_within_one_step(residency):
    seen: list[Progress] = []
    ctx = RunContext(report=seen.append, cancelled=lambda: any(progress.step == 3 for progress in seen))
    with pytest.raises(Cancelled):
        frames_of(residency, text(num_inference_steps=7), ctx)
    assert seen[-1].step == 3


def test_previews_are_pictures_of_the_estimate(residency, monkeypatch):
    from vidgen.stages import preview

    monkeypatch.setattr(preview, "SECONDS_BETWEEN", 0.0)
    seen: list[Progress] = []
    frames_of(residency, text(num_inference_steps=7), RunContext(report=seen.append))
    previews = [progress.preview for progress in seen if progress.preview]
    assert previews
    assert all(picture.startswith(b"\xff\xd8") for picture in previews)


def test_an_unresolved_spec_is_refused_before_the_weights_are_used(residency):
    model = residency.model("tiny")
    with pytest.raises(SpecError, match="resolve the spec"):
        next(iter(pipeline_for("text-to-video", model)(text(), RunContext())))
