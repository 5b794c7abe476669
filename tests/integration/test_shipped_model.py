"""The shipped checkpoint does what it is asked: effects measured on frames, each beside its control."""

from pathlib import Path

import numpy as np
import pytest
import torch

from vidgen.longvideo.gate import LOOKED_BACK, measured
from vidgen.media.writer import write_video
from vidgen.pipelines import Residency, render
from vidgen.pipelines.factory import pipeline_for
from vidgen.pipelines.long_video import clip_of, script_of
from vidgen.runtime.context import RunContext
from vidgen.spec import ImageToVideo, MediaRef, SamplingFields, TextToVideo, VideoToVideo, resolve
from vidgen_models.folder_check import sha256
from vidgen_models.registry import ModelRegistry

pytestmark = [pytest.mark.integration, pytest.mark.slow]

CLIP = MediaRef(artifact_id="art_clip")
RULES = ModelRegistry().get("sprites-64").rules
SUBJECTS = ("cat", "fox", "car")
RGB = {"blue": (50, 110, 220), "green": (60, 170, 80), "red": (215, 50, 50), "yellow": (250, 215, 60)}


@pytest.fixture(scope="module")
def residency() -> Residency:
    return Residency(ModelRegistry())


def frames_of(residency: Residency, spec: SamplingFields, media: dict[str, Path] | None = None) -> np.ndarray:
    spec = resolve(spec, residency.registry.get(spec.model).rules)
    with torch.inference_mode():
        pipeline = pipeline_for(spec.task, residency.model(spec.model))
        return np.concatenate(list(pipeline(spec, RunContext(media=media or {}))))


def foreground(frames: np.ndarray) -> np.ndarray:
    """Which pixels are not background, `bool [t, h, w]`; the background is the median of each frame's border."""
    border = np.concatenate([frames[:, 0], frames[:, -1], frames[:, :, 0], frames[:, :, -1]], axis=1)
    background = np.median(border, axis=1)[:, None, None]
    return np.abs(frames.astype(float) - background).max(axis=-1) > 40


def track(frames: np.ndarray) -> np.ndarray:
    """Centroid of the foreground in each frame, `[t, (x, y)]` in pixels."""
    weights = foreground(frames).astype(float) + 1e-6
    grid_y, grid_x = np.mgrid[: frames.shape[1], : frames.shape[2]]
    total = weights.sum((1, 2))
    return np.stack([(weights * grid_x).sum((1, 2)) / total, (weights * grid_y).sum((1, 2)) / total], axis=1)


def journey(frames: np.ndarray) -> np.ndarray:
    """How far the subject got, `(x, y)` in pixels, between the means of the first and the last three frames."""
    path = track(frames)
    return path[-3:].mean(0) - path[:3].mean(0)


def growth(frames: np.ndarray) -> float:
    area = foreground(frames).sum((1, 2)).astype(float) + 1
    return float(area[-3:].mean() / area[:3].mean())


def clips(residency: Residency, motion: str) -> list[np.ndarray]:
    return [
        frames_of(residency, TextToVideo(prompt=f"a {subject} {motion} on a blue background", seed=seed))
        for seed, subject in enumerate(SUBJECTS)
    ]


@pytest.fixture(scope="module")
def still(residency) -> list[np.ndarray]:
    return clips(residency, "stays still")


@pytest.mark.parametrize(
    ("motion", "direction"),
    [("moves left", (-1, 0)), ("moves right", (1, 0)), ("moves up", (0, -1)), ("moves down", (0, 1))],
)
def test_the_subject_goes_where_the_prompt_says(residency, still, motion, direction):
    along = np.median([journey(frames) @ direction for frames in clips(residency, motion)])
    control = np.median([abs(journey(frames) @ direction) for frames in still])
    assert along > 8
    assert along > 3 * control


def test_it_grows_and_shrinks(residency, still):
    assert np.median([growth(frames) for frames in clips(residency, "grows")]) > 1.5
    assert np.median([growth(frames) for frames in clips(residency, "shrinks")]) < 1 / 1.5
    assert 0.7 < np.median([growth(frames) for frames in still]) < 1.4


def turns(frames: np.ndarray) -> int:
    """How often the subject's way up and down turns back by a pixel and more."""
    height, way, last, found = track(frames)[:, 1], 0, track(frames)[0, 1], 0
    for y in height[1:]:
        if abs(y - last) >= 1:
            found += bool(way and np.sign(y - last) != way)
            way, last = np.sign(y - last), y
    return found


def test_it_bounces(residency, still):
    """Up and down more than once; revision 5 went one way or stayed."""
    assert min(turns(frames) for frames in clips(residency, "bounces")) >= 3
    assert max(turns(frames) for frames in still) <= 1


def test_it_fades_in(residency, still):
    """Nothing of the subject is there at first, and as much of it as ever at the end."""

    def shown(frames: np.ndarray) -> np.ndarray:
        return foreground(frames).mean((1, 2))

    for frames, there in zip(clips(residency, "fades in"), still, strict=True):
        assert shown(frames)[0] < 0.2 * shown(frames)[-1]
        assert shown(there)[0] > 0.7 * shown(there)[-1]
        assert 0.5 < shown(frames)[-1] / shown(there)[-1] < 2


@pytest.mark.parametrize("colour", RGB)
def test_the_background_has_the_colour_asked_for(residency, colour):
    frames = frames_of(residency, TextToVideo(prompt=f"a cat stays still on a {colour} background", seed=4))
    border = np.median(np.concatenate([frames[:, 0], frames[:, :, 0]], axis=1), axis=(0, 1))
    nearest = min(RGB, key=lambda name: float(np.abs(border - RGB[name]).sum()))
    assert nearest == colour


@pytest.mark.parametrize(
    ("prompt", "colour"),
    [("a kitten drifts to the left over the sea", "blue"), ("a feline slides leftwards, crimson backdrop", "red")],
)
def test_words_that_no_caption_held_mean_what_their_nearest_known_ones_mean(residency, prompt, colour):
    """The words were letters to revision 4."""
    frames = frames_of(residency, TextToVideo(prompt=prompt, seed=3))
    border = np.median(np.concatenate([frames[:, 0], frames[:, :, 0]], axis=1), axis=(0, 1))
    assert min(RGB, key=lambda name: float(np.abs(border - RGB[name]).sum())) == colour
    assert journey(frames)[0] < -8


def picture_psnr(a: np.ndarray, b: np.ndarray) -> float:
    return float(-10 * np.log10(np.mean((a.astype(float) / 255 - b / 255.0) ** 2) + 1e-12))


def test_image_to_video_begins_with_the_picture_and_then_moves(residency, tmp_path):
    source = frames_of(residency, TextToVideo(prompt="a cat stays still on a blue background", seed=4))
    path = write_video([source], tmp_path / "source.mp4", fps=8, crf=1).path
    spec = ImageToVideo(prompt="a cat moves left on a blue background", image=CLIP, seed=1)
    animated = frames_of(residency, spec, {CLIP.key: path})
    from_text = frames_of(residency, TextToVideo(prompt=spec.prompt, seed=1))
    begins = picture_psnr(animated[0], source[0])
    assert begins > 20
    assert begins > picture_psnr(from_text[0], source[0]) + 6
    assert journey(animated)[0] < -6


def test_a_last_picture_draws_the_end_of_a_clip_towards_it(residency, tmp_path):
    # a weak pull: the prompt, which says otherwise here, decides more than the picture does (see the model card)
    away, arrived = [], []
    for seed, (subject, motion) in enumerate((("rocket", "moves right"), ("pig", "moves left"), ("star", "grows"))):
        source = frames_of(residency, TextToVideo(prompt=f"a {subject} {motion} on a blue background", seed=seed))
        path = write_video([source], tmp_path / f"{subject}.mp4", fps=8, crf=1).path
        last = CLIP.model_copy(update={"frame": -1})
        spec = ImageToVideo(prompt=f"a {subject} stays still on a blue background", image=CLIP, seed=1)
        for distances, ref in ((away, None), (arrived, last)):
            aimed = spec.model_copy(update={"last_image": ref})
            frames = frames_of(residency, aimed, {CLIP.key: path, last.key: path})
            distances.append(float(np.abs(frames[-1].astype(float) - source[-1]).mean()))
    assert np.mean(arrived) < 0.97 * np.mean(away)


def test_video_to_video_goes_further_from_the_source_the_stronger_it_is(residency, tmp_path):
    source = frames_of(residency, TextToVideo(prompt="a cat moves right on a blue background", seed=4))
    path = write_video([source], tmp_path / "source.mp4", fps=8, crf=1).path
    distances = []
    for strength in (0.0, 0.4, 0.7, 1.0):
        spec = VideoToVideo(prompt="a fox moves right on a green background", video=CLIP, strength=strength, seed=2)
        restyled = frames_of(residency, spec, {CLIP.key: path})
        distances.append(float(np.abs(restyled.astype(float) - source).mean()))
    assert distances == sorted(distances)
    assert distances[0] < distances[-1] / 5, "strength 0 is the source sent through the autoencoder"
    assert distances[-1] > 20


def test_the_same_spec_gives_the_same_file(residency, tmp_path):
    # the encoder's result once depended on what the model had left on the heap, so the runs are whole ones
    spec = resolve(TextToVideo(prompt="a cat moves left on a blue background", seed=7), RULES)
    files = set()
    for number in range(4):
        (tmp_path / str(number)).mkdir()
        result = render(spec, RunContext(), tmp_path / str(number), residency)
        files.add(sha256(result.video.path))
    assert len(files) == 1


def test_every_weight_file_is_the_one_the_manifest_names(residency):
    manifest = residency.registry.get("sprites-64")
    weights = {path.relative_to(manifest.path).as_posix() for path in manifest.path.rglob("*.safetensors")}
    assert weights <= manifest.files.keys()
    assert {name: sha256(manifest.path / name) for name in manifest.files} == dict(manifest.files)


def test_the_shipped_weights_stay_small(residency):
    folder = residency.registry.get("sprites-64").path
    assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) < 64e6


def test_a_chunk_measured_by_itself_is_measured_as_in_the_whole_clip(residency):
    """What the gate relies on. Fails with a run-up of two latent frames: tried, 0.8 ΔE that no frame has."""
    spec = resolve(TextToVideo(prompt="a dog moves left on a green background", seed=2, num_frames=49), RULES)
    model, ctx, begin = residency.model(spec.model), RunContext(), 8
    with torch.inference_mode():
        clip = clip_of(model, script_of(spec), spec, ctx)
        (stream,) = clip.streams(clip.make())
        latents = torch.cat(list(stream), 2)
        whole = measured(model, None, latents, ctx)[4 * begin - 3 :]
        alone = measured(model, latents[:, :, begin - LOOKED_BACK : begin], latents[:, :, begin:], ctx)
    assert np.abs(alone.column("colour") - whole.column("colour")).max() < 0.15
