"""Stable Video Diffusion. Its image encoder's side is 224, which the pipeline takes for granted."""

from pathlib import Path

import torch
from diffusers import AutoencoderKLTemporalDecoder, EulerDiscreteScheduler, UNetSpatioTemporalConditionModel
from transformers import CLIPVisionModelWithProjection

from tests.tiny_families import parts

CHANNELS = (32, 32)


def build(folder: Path) -> Path:
    torch.manual_seed(0)
    parts.clip_vision(folder / "image_encoder", CLIPVisionModelWithProjection, side=224)
    parts.clip_processor(folder / "feature_extractor", side=224)
    UNetSpatioTemporalConditionModel(
        block_out_channels=CHANNELS,
        layers_per_block=1,
        down_block_types=("CrossAttnDownBlockSpatioTemporal", "DownBlockSpatioTemporal"),
        up_block_types=("UpBlockSpatioTemporal", "CrossAttnUpBlockSpatioTemporal"),
        cross_attention_dim=parts.TEXT_DIM,
        num_attention_heads=2,
        addition_time_embed_dim=8,
        projection_class_embeddings_input_dim=24,
        num_frames=6,
    ).save_pretrained(folder / "unet")
    AutoencoderKLTemporalDecoder(
        block_out_channels=CHANNELS, down_block_types=("DownEncoderBlock2D",) * 2
    ).save_pretrained(folder / "vae")
    EulerDiscreteScheduler(
        prediction_type="v_prediction",
        timestep_type="continuous",
        timestep_spacing="leading",
        steps_offset=1,
        use_karras_sigmas=True,
        sigma_min=0.002,
        sigma_max=700.0,
        beta_schedule="scaled_linear",
        beta_start=0.00085,
        beta_end=0.012,
        interpolation_type="linear",
    ).save_pretrained(folder / "scheduler")
    return parts.write_index(
        folder,
        "StableVideoDiffusionPipeline",
        {
            "feature_extractor": ("transformers", "CLIPImageProcessor"),
            "image_encoder": ("transformers", "CLIPVisionModelWithProjection"),
            "unet": ("diffusers", "UNetSpatioTemporalConditionModel"),
            "vae": ("diffusers", "AutoencoderKLTemporalDecoder"),
            "scheduler": ("diffusers", "EulerDiscreteScheduler"),
        },
    )


CASES = (
    parts.Case(
        "svd",
        build,
        "image-to-video",
        {"num_frames": 6, "width": 32, "height": 32},
        ("seed", "image", "guidance_scale", "motion_bucket_id", "motion_strength", "noise_aug_strength", "fps"),
    ),
)
