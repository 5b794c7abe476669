"""A camera that is said by time: how much its words count at each latent frame, and that they reach the frames."""

import numpy as np
import pytest
import torch

from vidgen.pipelines import Residency
from vidgen.pipelines.conditions import Conditions
from vidgen.pipelines.factory import pipeline_for
from vidgen.pipelines.long_video import settings_of
from vidgen.pipelines.said_camera import camera_parts
from vidgen.runtime.context import RunContext
from vidgen.spec import TextToVideo, resolve

TURNING = {"keys": [{"at": 0, "pan": -4}, {"at": 0.5, "pan": -4}, {"at": 0.501, "pan": 0}, {"at": 1, "pan": 0}]}


SAID = {
    "camera_words": {"pan-left": "the green dog", "pan-right": "the red cat"},
    "camera_speeds": {"pan-left": 2.0, "pan-right": 2.0},
    "camera_least_share": 0.5,
}


@pytest.fixture(scope="module")
def residency(tiny_registry) -> Residency:
    return Residency(tiny_registry)


def told(residency: Residency):
    """The tiny model, as if it had been told of cameras in captions."""
    model = residency.model("tiny")
    model.conditioning = model.conditioning.model_copy(update=SAID)
    return model


def spec_of(residency: Residency, **fields) -> TextToVideo:
    asked = {"model": "tiny", "prompt": "a red cat", "seed": 3, "num_inference_steps": 2, "num_frames": 17}
    return resolve(TextToVideo(**asked | fields), residency.registry.get("tiny").rules)


def test_words_count_at_the_frames_at_which_the_camera_moves(residency):
    """Of latent frames 0 to 4 the first three show frames 0 to 8. Fails when frames are counted from the window's
    beginning: tried.

    The control: a steady camera has no parts, and is drawn.
    """
    model, spec = told(residency), spec_of(residency, camera=TURNING)
    (part,) = camera_parts(model, spec, "a red cat", (1,))
    assert part.over_time(0, 0, 5).flatten().tolist() == [1, 1, 1, 0, 0]
    assert part.over_time(0, 2, 4).flatten().tolist() == [1, 0]
    drawn = Conditions(spec, RunContext(), model.conditioning).items()
    steady = spec_of(residency, camera={"pan": -4})
    assert camera_parts(model, steady, "a red cat", (1,)) == ()
    assert not any("camera" in item.name for item in drawn.items)
    assert any("camera" in item.name for item in Conditions(steady, RunContext(), model.conditioning).items().items)


def test_a_camera_by_time_reaches_the_frames_regions_and_chunks(residency):
    """Fails when the parts are left out of the encoder: tried."""

    def frames(**fields) -> np.ndarray:
        spec = spec_of(residency, **fields)
        with torch.inference_mode():
            return np.concatenate(list(pipeline_for(spec.task, told(residency))(spec, RunContext())))

    plain, led = frames(num_frames=9), frames(num_frames=9, camera=TURNING)
    assert not np.array_equal(led, plain)
    whole = [{"prompt": "the red cat", "box": {"left": 0, "top": 0, "right": 1, "bottom": 1}, "feather": 0}]
    assert not np.array_equal(frames(num_frames=9, regions=whole, camera=TURNING), frames(num_frames=9, regions=whole))
    resting = spec_of(residency)
    assert settings_of(spec_of(residency, camera=TURNING)) != settings_of(resting)
