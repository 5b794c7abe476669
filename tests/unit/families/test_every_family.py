"""What every family promises, on a tiny checkpoint of its real classes that was saved and read again."""

import numpy as np
import pytest
import torch

from tests.tiny_families import (
    animatediff,
    cogvideox,
    framepack,
    hunyuan_video,
    latte,
    ltx,
    ltx2,
    lucy_edit,
    mochi,
    skyreels,
    stable_video_diffusion,
    wan,
    wan_animate,
)
from tests.unit.families.conftest import CHANGES, distance
from vidgen.errors import Cancelled
from vidgen.families import load_family
from vidgen.pipelines import render, whole_clip
from vidgen.pipelines.factory import pipeline_for
from vidgen.runtime.context import RunContext
from vidgen.spec import Progress, Stage
from vidgen.stages import preview

# of the libraries: schedulers that turn tensors into numpy arrays, and Mochi's autocast to float32
pytestmark = [
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:In CPU autocast:UserWarning"),
]

FAMILIES = (
    wan,
    wan_animate,
    lucy_edit,
    ltx,
    ltx2,
    cogvideox,
    animatediff,
    stable_video_diffusion,
    hunyuan_video,
    framepack,
    skyreels,
    mochi,
    latte,
)
CASES = [case for family in FAMILIES for case in family.CASES]


@pytest.fixture(params=CASES, ids=lambda case: case.name)
def tiny(request, tiny_of):
    return tiny_of(request.param)


def test_the_same_spec_gives_the_same_clip_and_each_effect_another(tiny):
    """Fails when a pipeline draws noise without the seed, or does not get the changed field: tried."""
    spec, first = tiny.spec(), tiny.frames()
    assert first.shape == (spec.num_frames, spec.height, spec.width, 3)
    assert (first == tiny.frames()).all()
    for effect in tiny.case.effects:
        changed = tiny.frames(**CHANGES[effect])
        assert distance(first, changed) > 0, effect
        if "advanced" in CHANGES[effect]:  # samplers with noise of their own draw it by the seed too
            assert (changed == tiny.frames(**CHANGES[effect])).all(), effect


def test_its_frames_are_those_of_the_whole_pipeline(tiny):
    """Our decoding against diffusers' own. Fails when latents are scaled, ordered or joined otherwise: tried."""
    if not tiny.case.exact:
        return
    spec, ctx = tiny.spec(), RunContext(media=tiny.media)
    model, request = tiny.residency.model(tiny.manifest.id), whole_clip._request(spec, ctx)
    with torch.inference_mode():
        theirs = model.pipeline(request)(
            **model.arguments(request),
            num_inference_steps=request.num_inference_steps,
            generator=request.generator(),
            output_type="np",
        ).frames[0]
    assert np.abs(theirs * 255 - tiny.frames().astype(float)).max() < 1.01


def test_it_renders_a_file_tells_every_step_and_shows_previews(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(preview, "SECONDS_BETWEEN", 0.0)
    seen: list[Progress] = []
    ctx = RunContext(media=tiny.media, report=seen.append)
    spec = tiny.spec(num_inference_steps=4)
    video = render(spec, ctx, tmp_path, tiny.residency).video
    assert (video.num_frames, video.width, video.height) == (spec.num_frames, spec.width, spec.height)
    steps = [progress.step for progress in seen if progress.stage is Stage.DENOISING]
    assert steps
    assert steps == list(range(1, len(steps) + 1))
    shown = any(progress.preview and progress.preview.startswith(b"\xff\xd8") for progress in seen)
    assert shown == tiny.case.previews


def test_a_cancel_ends_the_run_within_one_step(tiny):
    seen: list[Progress] = []
    ctx = RunContext(media=tiny.media, report=seen.append, cancelled=lambda: any(p.step == 1 for p in seen))
    with pytest.raises(Cancelled):
        tiny.frames(ctx)
    assert seen[-1].step == 1


GPU_FORMAT = [family.CASES[0] for family in FAMILIES] + [
    case
    for case in CASES
    if case.name in ("wan-2.1-i2v", "ltx-i2v", "ltx-condition-v2v", "cogvideox-i2v", "animatediff-v2v")
]


@pytest.mark.parametrize("case", GPU_FORMAT, ids=lambda case: case.name)
def test_it_runs_in_the_number_format_of_gpus(case, tiny_of):
    """In bfloat16, on the CPU: near to the clip of float32. Fails when a step mixes formats, as in decoding: tried."""
    tiny = tiny_of(case)
    model = load_family(tiny.manifest, torch.device("cpu"), torch.bfloat16)
    spec, ctx = tiny.spec(), RunContext(media=tiny.media)
    with torch.inference_mode():
        frames = np.concatenate(list(pipeline_for(spec.task, model)(spec, ctx)))
    assert frames.std() > 5
    assert distance(frames, tiny.frames()) < 8
