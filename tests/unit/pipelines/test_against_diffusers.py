"""Our recipes give the numbers of diffusers' own pipelines on the same folder, noise and steps."""

import numpy as np
import pytest
import torch
from diffusers import WanPipeline, WanTransformer3DModel, WanVACEPipeline
from PIL import Image

from tests.tiny_models import TEXT_LENGTH
from vidgen.media.tensor import to_pixels
from vidgen.motion.keyframe import Keyframe
from vidgen.pipelines import Residency
from vidgen.runtime.context import RunContext
from vidgen.runtime.seeding import frame_noise
from vidgen.spec import TextToVideo, resolve
from vidgen.stages.denoise import denoise
from vidgen.stages.encode_conditioning import encode_conditioning
from vidgen.stages.encode_text import encode_text

STEPS, GUIDANCE, FRAMES, SIDE = 4, 3.0, 9, 32


@pytest.fixture(scope="module")
def ours(tiny_registry):
    return Residency(tiny_registry).model("tiny")


@pytest.fixture(scope="module")
def spec(tiny_registry):
    asked = TextToVideo(model="tiny", prompt="a red cat moves left", negative_prompt="dog", seed=5, guidance_scale=3.0)
    return resolve(asked, tiny_registry.get("tiny").rules)


def stock_arguments(spec, noise):
    return {
        "prompt": spec.prompt,
        "negative_prompt": spec.negative_prompt,
        "num_inference_steps": STEPS,
        "guidance_scale": GUIDANCE,
        "num_frames": FRAMES,
        "height": SIDE,
        "width": SIDE,
        "latents": noise.clone(),
        "max_sequence_length": TEXT_LENGTH,
        "output_type": "latent",
    }


def our_latents(model, spec, noise, control=None):
    with torch.inference_mode():
        text = encode_text(model, spec)
        return denoise(
            model, model.scheduler(STEPS), noise, text, RunContext(), guidance_scale=GUIDANCE, control=control
        )


@pytest.fixture(scope="module")
def noise(ours):
    return frame_noise(5, 0, ours.latent_shape(FRAMES, SIDE, SIDE))


def test_text_to_video_equals_wan_pipeline(tiny_folder, ours, spec, noise):
    stock = WanPipeline.from_pretrained(
        tiny_folder, transformer=WanTransformer3DModel.from_pretrained(tiny_folder / "transformer")
    )
    stock.set_progress_bar_config(disable=True)
    expected = stock(**stock_arguments(spec, noise)).frames
    assert torch.allclose(our_latents(ours, spec, noise), expected, atol=1e-4)


def test_image_to_video_equals_wan_vace_pipeline(tiny_folder, ours, spec, noise):
    picture = np.random.default_rng(0).integers(0, 255, (1, SIDE, SIDE, 3), np.uint8)
    control = encode_conditioning(
        ours, [Keyframe(to_pixels(picture)[0, :, 0])], num_frames=FRAMES, height=SIDE, width=SIDE
    )
    grey = Image.new("RGB", (SIDE, SIDE), (128, 128, 128))
    video = [Image.fromarray(picture[0])] + [grey] * (FRAMES - 1)
    mask = [Image.new("L", (SIDE, SIDE), 0)] + [Image.new("L", (SIDE, SIDE), 255)] * (FRAMES - 1)
    stock = WanVACEPipeline.from_pretrained(tiny_folder)
    stock.set_progress_bar_config(disable=True)
    expected = stock(**stock_arguments(spec, noise), video=video, mask=mask).frames
    # the library's grey is 128/255, 0.004 off the middle that the network was trained on
    assert torch.allclose(our_latents(ours, spec, noise, control), expected, atol=2e-2)
    assert not torch.allclose(our_latents(ours, spec, noise), expected, atol=2e-2)
