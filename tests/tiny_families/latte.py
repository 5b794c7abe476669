"""Latte, which knows one length of clip."""

from pathlib import Path

import torch
from diffusers import AutoencoderKL, DDIMScheduler, LatteTransformer3DModel

from tests.tiny_families import parts


def build(folder: Path) -> Path:
    torch.manual_seed(0)
    parts.t5_tokenizer(folder / "tokenizer")
    parts.t5_encoder(folder / "text_encoder")
    LatteTransformer3DModel(
        sample_size=16,
        num_layers=1,
        patch_size=2,
        attention_head_dim=8,
        num_attention_heads=2,
        caption_channels=parts.TEXT_DIM,
        in_channels=4,
        out_channels=8,
        cross_attention_dim=16,
        attention_bias=True,
        activation_fn="gelu-approximate",
        num_embeds_ada_norm=1000,
        norm_type="ada_norm_single",
        norm_elementwise_affine=False,
        norm_eps=1e-6,
        video_length=5,
    ).save_pretrained(folder / "transformer")
    AutoencoderKL(
        block_out_channels=(8, 8),
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        norm_num_groups=2,
    ).save_pretrained(folder / "vae")
    DDIMScheduler(clip_sample=False).save_pretrained(folder / "scheduler")
    return parts.write_index(
        folder,
        "LattePipeline",
        {
            "tokenizer": ("transformers", "T5Tokenizer"),
            "text_encoder": ("transformers", "T5EncoderModel"),
            "transformer": ("diffusers", "LatteTransformer3DModel"),
            "vae": ("diffusers", "AutoencoderKL"),
            "scheduler": ("diffusers", "DDIMScheduler"),
        },
    )


CASES = (
    parts.Case(
        "latte", build, "text-to-video", {}, ("seed", "prompt", "negative_prompt", "guidance_scale", "euler-ancestral")
    ),
)
