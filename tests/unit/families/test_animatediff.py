"""AnimateDiff beyond its own length and passes, against calls of the library that know nothing of our adapter."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import AnimateDiffPipeline, AutoencoderKL, DDIMScheduler, MotionAdapter, UNet2DConditionModel
from safetensors.torch import save_file
from transformers import CLIPTextModel, CLIPTokenizer

from tests.tiny_families import animatediff, parts
from tests.unit.families.conftest import Tiny, distance
from vidgen.errors import SpecError
from vidgen.runtime.context import RunContext
from vidgen.spec import Progress, Stage
from vidgen_models.folder_check import sha256
from vidgen_models.loras import LoraManifest
from vidgen_models.shelf import Shelf

KNOWN = 8
BUILD = partial(animatediff.build, joined=False, known=KNOWN)
CASE = parts.Case("animatediff-windows", BUILD, "text-to-video", animatediff.CLIP)


@pytest.fixture
def tiny(tiny_of):
    return tiny_of(CASE)


def library(folder: Path) -> AnimateDiffPipeline:
    """Diffusers' pipeline read by diffusers."""
    tokenizer = CLIPTokenizer.from_pretrained(folder / "tokenizer")
    tokenizer.model_max_length = 16
    made = AnimateDiffPipeline(
        tokenizer=tokenizer,
        text_encoder=CLIPTextModel.from_pretrained(folder / "text_encoder"),
        unet=UNet2DConditionModel.from_pretrained(folder / "unet"),
        motion_adapter=MotionAdapter.from_pretrained(folder / "motion_adapter"),
        vae=AutoencoderKL.from_pretrained(folder / "vae"),
        scheduler=DDIMScheduler.from_pretrained(folder / "scheduler"),
    )
    made.set_progress_bar_config(disable=True)
    return made


def their_frames(pipeline: AnimateDiffPipeline, tiny: Tiny, num_frames: int) -> np.ndarray:
    spec = tiny.spec(num_frames=num_frames)
    with torch.inference_mode():
        frames = pipeline(
            spec.prompt,
            negative_prompt="",
            num_frames=num_frames,
            width=spec.width,
            height=spec.height,
            num_inference_steps=spec.num_inference_steps,
            guidance_scale=spec.guidance_scale,
            generator=torch.Generator("cpu").manual_seed(spec.seed),
            output_type="np",
        ).frames[0]
    return frames * 255


def test_longer_clips_are_those_of_free_noise_and_leave_nothing_behind(tiny):
    """Fails when the windows stay in the network, or lie otherwise: tried."""
    short = tiny.frames(num_frames=6)
    theirs = library(tiny.manifest.path)
    theirs.enable_free_noise(context_length=KNOWN, context_stride=4)
    long = tiny.frames(num_frames=14)
    assert np.abs(their_frames(theirs, tiny, 14) - long).max() < 1.01
    assert (short == tiny.frames(num_frames=6)).all()
    with pytest.raises(SpecError, match="nearest is 1024"):
        tiny.spec(num_frames=2000)


def test_free_init_is_the_librarys_and_tells_the_steps_of_all_passes(tiny):
    """Fails when a pass is left out, or the steps are counted from the beginning in each: tried."""
    seen: list[Progress] = []
    ours = tiny.frames(RunContext(media=tiny.media, report=seen.append), advanced={"free_init": 3})
    theirs = library(tiny.manifest.path)
    theirs.enable_free_init(num_iters=3)
    assert np.abs(their_frames(theirs, tiny, 6) - ours).max() < 1.01
    assert distance(ours, tiny.frames()) > 0
    told = [(p.step, p.total_steps) for p in seen if p.stage is Stage.DENOISING]
    assert told == [(n, 6) for n in range(1, 7)]
    with pytest.raises(SpecError, match=r"advanced\.free_init: belongs to text-to-video"):
        tiny.resolved(
            {
                "task": "video-to-video",
                "model": "tiny-family",
                "video": {"upload_id": "upl_clip"},
                "advanced": {"free_init": 2},
            }
        )


@pytest.fixture
def pan_left(tiny, tmp_path):
    """A motion LoRA in the names that published ones bear."""
    torch.manual_seed(0)
    module = "unet.down_blocks.0.motion_modules.0.transformer_blocks.0.attn1.processor"
    weights = {}
    for target in ("to_q_lora", "to_v_lora"):
        weights[f"{module}.{target}.down.weight"] = torch.randn(2, 8)
        weights[f"{module}.{target}.up.weight"] = torch.randn(8, 2)
    file = tmp_path / "pan-left.safetensors"
    save_file(weights, file)
    Shelf(tiny.manifests).put_lora(
        LoraManifest(id="pan-left", models=("tiny-family",), file=str(file), sha256=sha256(file))
    )
    yield
    Shelf(tiny.manifests).forget_lora("pan-left")


@pytest.mark.usefixtures("pan_left")
def test_a_motion_lora_changes_the_clip_and_leaves_nothing_behind(tiny):
    """Also in clips beyond the modules' length. Fails when a LoRA stays in the network after its run: tried."""
    use = {"loras": [{"id": "pan-left", "weight": 1.0}]}
    for length in (6, 14):
        plain = tiny.frames(num_frames=length)
        assert distance(plain, tiny.frames(num_frames=length, advanced=use)) > 0
        assert (plain == tiny.frames(num_frames=length)).all()


@pytest.mark.usefixtures("pan_left")
def test_a_camera_is_moved_by_the_motion_lora_of_its_direction(tiny):
    """At a preset's speed by all of it. Fails when the camera's LoRAs are not put in: tried.

    The control: without a LoRA of that name the model takes no camera; the other way, and other axes, are refused.
    """
    rules = tiny.manifest.rules.conditioning
    assert (rules.camera, rules.camera_axes, rules.camera_loras) == ("loras", ("pan",), {"pan-left": "pan-left"})
    whole = tiny.frames(advanced={"loras": [{"id": "pan-left", "weight": 1.0}]})
    assert (tiny.frames(camera={"preset": "pan-left"}) == whole).all()
    assert distance(tiny.frames(camera={"pan": -6}), whole) > 0
    for camera in ({"pan": 3}, {"zoom": 3}):
        with pytest.raises(SpecError, match="camera"):
            tiny.spec(camera=camera)


def test_without_motion_loras_there_is_no_camera(tiny):
    with pytest.raises(SpecError, match="camera: tiny-family takes none"):
        tiny.spec(camera={"pan": -3})
