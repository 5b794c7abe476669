"""LTX-Video: the first kind, the kind made for conditions, and an autoencoder that finishes the denoising."""

from functools import partial
from pathlib import Path

import torch
from diffusers import AutoencoderKLLTXVideo, FlowMatchEulerDiscreteScheduler, LTXVideoTransformer3DModel

from tests.tiny_families import parts

Z = 8


def build(folder: Path, *, pipeline: str = "LTXPipeline", timestep_conditioning: bool = False) -> Path:
    torch.manual_seed(0)
    parts.t5_tokenizer(folder / "tokenizer")
    parts.t5_encoder(folder / "text_encoder")
    LTXVideoTransformer3DModel(
        in_channels=Z,
        out_channels=Z,
        num_attention_heads=2,
        attention_head_dim=16,
        cross_attention_dim=32,
        num_layers=1,
        caption_channels=parts.TEXT_DIM,
    ).save_pretrained(folder / "transformer")
    _autoencoder(timestep_conditioning).save_pretrained(folder / "vae")
    shifting = pipeline != "LTXConditionPipeline"
    FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=shifting).save_pretrained(folder / "scheduler")
    return parts.write_index(
        folder,
        pipeline,
        {
            "tokenizer": ("transformers", "T5Tokenizer"),
            "text_encoder": ("transformers", "T5EncoderModel"),
            "transformer": ("diffusers", "LTXVideoTransformer3DModel"),
            "vae": ("diffusers", "AutoencoderKLLTXVideo"),
            "scheduler": ("diffusers", "FlowMatchEulerDiscreteScheduler"),
        },
    )


def _autoencoder(timestep_conditioning: bool) -> AutoencoderKLLTXVideo:
    vae = AutoencoderKLLTXVideo(
        latent_channels=Z,
        block_out_channels=(8, 8, 8, 8),
        decoder_block_out_channels=(8, 8, 8, 8),
        layers_per_block=(1, 1, 1, 1, 1),
        decoder_layers_per_block=(1, 1, 1, 1, 1),
        timestep_conditioning=timestep_conditioning,
    )
    # random weights, so that scaling the latents wrongly shows
    vae.latents_mean.normal_(std=0.2)
    vae.latents_std.uniform_(0.5, 1.5)
    return vae


CLIP = {"num_frames": 17, "width": 64, "height": 32}
CONDITION = partial(build, pipeline="LTXConditionPipeline")
CASES = (
    parts.Case(
        "ltx-t2v",
        build,
        "text-to-video",
        CLIP,
        ("seed", "prompt", "negative_prompt", "guidance_scale", "guidance_rescale"),
    ),
    parts.Case("ltx-i2v", build, "image-to-video", CLIP, ("seed", "prompt", "image")),
    parts.Case(
        "ltx-condition-i2v",
        CONDITION,
        "image-to-video",
        CLIP | {"last_image": True},
        ("seed", "prompt", "image", "last_image"),
        previews=False,
    ),
    parts.Case("ltx-condition-t2v", CONDITION, "text-to-video", CLIP, previews=False),
    parts.Case(
        "ltx-condition-v2v", CONDITION, "video-to-video", CLIP, ("seed", "prompt", "video", "strength"), previews=False
    ),
    parts.Case("ltx-0.9.1", partial(build, timestep_conditioning=True), "text-to-video", CLIP, exact=False),
)
