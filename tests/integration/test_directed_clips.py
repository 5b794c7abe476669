"""What creators ask of a clip over time, on the shipped model: its effect on the frames, beside a clip without it."""

from pathlib import Path

import numpy as np
import pytest
import torch

from vidgen.media.writer import write_video
from vidgen.pipelines import Residency
from vidgen.pipelines.factory import pipeline_for
from vidgen.runtime.context import RunContext
from vidgen.spec import (
    ExtendVideo,
    ImageToVideo,
    Keyframe,
    LongFields,
    MediaRef,
    Segment,
    TextToVideo,
    resolve,
)
from vidgen_models.registry import ModelRegistry

pytestmark = pytest.mark.slow

PICTURE, CLIP = MediaRef(upload_id="upl_picture", frame=4), MediaRef(upload_id="upl_clip")
ROCKET, CAT = "a rocket stays still on a black background", "a cat moves left on a blue background"


@pytest.fixture(scope="module")
def residency() -> Residency:
    return Residency(ModelRegistry())


def frames_of(residency: Residency, spec, **media: Path) -> np.ndarray:
    spec = resolve(spec, residency.registry.get(spec.model).rules)
    ctx = RunContext(media={f"upl_{name}": path for name, path in media.items()})
    with torch.inference_mode():
        return np.concatenate(list(pipeline_for(spec.task, residency.model(spec.model))(spec, ctx)))


@pytest.fixture(scope="module")
def rocket(residency, tmp_path_factory) -> Path:
    frames = frames_of(residency, TextToVideo(prompt=ROCKET, seed=1, num_frames=9))
    return write_video([frames], tmp_path_factory.mktemp("rocket") / "rocket.mp4", fps=8).path


@pytest.fixture(scope="module")
def picture(rocket) -> np.ndarray:
    from vidgen.media.source import read_picture

    return read_picture(rocket, width=64, height=64, frame=4)[0]


def psnr(one: np.ndarray, other: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / np.square(one.astype(float) - other).mean()))


def steps(frames: np.ndarray) -> np.ndarray:
    """Mean change from each frame to the next."""
    return np.abs(np.diff(frames.astype(float), axis=0)).mean((1, 2, 3))


def wrap(frames: np.ndarray) -> float:
    """The change from the last frame to the first, in median steps."""
    return float(np.abs(frames[-1].astype(float) - frames[0]).mean() / np.median(steps(frames)))


@pytest.mark.parametrize("transition", [None, 4], ids=["at once", "transition"])
def test_a_segment_gets_the_background_that_it_asks_for(residency, transition):
    """Joints are repaired as they come, and the corner is more than half of the way from blue. Fails when a joint to
    another prompt is judged by its colours, as it was: (36, 97, 204) and (39, 101, 208) at the end."""
    there = Segment(prompt=CAT, frames=25)
    green = Segment(prompt="a dog spins on a green background", frames=12, transition_frames=transition)
    long = LongFields(rerolls=1)
    spec = TextToVideo(seed=6, segments=(there, green), num_inference_steps=4, long=long)
    corner = frames_of(residency, spec)[:, 2:8, 2:8].mean((1, 2))
    bluer = corner[:, 2] - corner[:, 1]
    assert bluer[24] > 100
    assert bluer[-1] < bluer[24] / 2


def test_a_loop_ends_where_it_begins(residency):
    """The last step is a calm one. Fails when the last window is not given the first one's frames, and (1.05) when the
    file begins with the first latent: tried."""
    spec = TextToVideo(prompt="a cat spins on a blue background", seed=1, num_frames=40)
    looped = frames_of(residency, spec.model_copy(update={"long": LongFields(loop=True)}))
    control = frames_of(residency, spec.model_copy(update={"num_frames": 41}))
    assert len(looped) == 40
    assert wrap(looped) <= 1.0
    assert wrap(control) > 2.0


@pytest.mark.parametrize(("num_frames", "frame"), [(17, 8), (49, 22)])
def test_a_picture_is_shown_at_its_frame(residency, rocket, picture, num_frames, frame):
    """Fails when the picture's latent is neither given to the network nor held: tried."""
    spec = TextToVideo(prompt=ROCKET, seed=7, num_frames=num_frames)
    led = frames_of(
        residency, spec.model_copy(update={"keyframes": (Keyframe(image=PICTURE, frame=frame),)}), picture=rocket
    )
    control = frames_of(residency, spec)
    assert psnr(led[frame], picture) > 29
    assert psnr(led[frame], picture) > psnr(control[frame], picture) + 3
    assert steps(led)[frame : frame + 4].max() < 4 * np.median(steps(led))


def test_a_last_picture_is_arrived_at(residency, rocket, picture, tmp_path):
    """Fails when the picture's latent is given to the network and not held: tried, 3.6 dB nearer in place of 17."""
    cat = frames_of(residency, TextToVideo(prompt=CAT, seed=2, num_frames=9))
    media = {"clip": write_video([cat], tmp_path / "cat.mp4", fps=8).path, "picture": rocket}
    spec = ImageToVideo(image=CLIP, prompt=CAT, seed=7, num_frames=17)
    led = frames_of(residency, spec.model_copy(update={"last_image": PICTURE}), **media)
    assert psnr(led[-1], picture) > psnr(frames_of(residency, spec, **media)[-1], picture) + 8


def test_a_prompt_gives_way_slowly(residency):
    """With a transition the ground changes over more frames. Fails when its weights are all 0: tried."""
    one, other = "a cat stays still on a blue background", "a cat stays still on a red background"

    def ground(transition: int | None) -> np.ndarray:
        """By how much the ground is red rather than blue, from 0 to 1, frame by frame."""
        second = Segment(prompt=other, frames=32, transition_frames=transition)
        spec = TextToVideo(seed=1, segments=(Segment(prompt=one, frames=17), second))
        border = frames_of(residency, spec)[:, :6].astype(float).mean((1, 2))
        red = border[:, 0] - border[:, 2]
        return np.asarray((red - red[0]) / (red.max() - red[0]))

    def halfway(redness: np.ndarray) -> int:
        return int(np.argmax(redness > 0.5))

    assert halfway(ground(24)) >= halfway(ground(None)) + 4


@pytest.mark.parametrize("direction", ["forward", "backward"])
def test_a_clip_is_joined_to_its_extension_without_a_jump(residency, direction, tmp_path):
    """Beside a new clip laid against the old one: in median steps 1.0 forward, 1.4 to 1.7 backward, 9 against each
    other, over three clips and two seeds. Fails when the clip's latents are neither given nor held: tried."""
    clip = frames_of(residency, TextToVideo(prompt=CAT, seed=5, num_frames=25))
    media = {"clip": write_video([clip], tmp_path / "clip.mp4", fps=8).path}
    new = 24 if direction == "forward" else 25
    spec = ExtendVideo(video=CLIP, direction=direction, prompt=CAT, seed=1, num_frames=new)
    longer = frames_of(residency, spec, **media)
    joint = 24 if direction == "forward" else new - 1
    assert len(longer) == 25 + new
    assert steps(longer)[joint] < 2.0 * np.median(steps(longer))
    hard = np.concatenate([clip, frames_of(residency, TextToVideo(prompt=CAT, seed=1, num_frames=25))])
    assert steps(hard)[24] > 4.0 * np.median(steps(hard))
