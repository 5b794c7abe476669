"""Mochi 1."""

from pathlib import Path

import torch
from diffusers import AutoencoderKLMochi, FlowMatchEulerDiscreteScheduler, MochiTransformer3DModel

from tests.tiny_families import parts


def build(folder: Path) -> Path:
    torch.manual_seed(0)
    parts.t5_tokenizer(folder / "tokenizer")
    parts.t5_encoder(folder / "text_encoder")
    MochiTransformer3DModel(
        num_attention_heads=2,
        attention_head_dim=8,
        num_layers=2,
        pooled_projection_dim=16,
        text_embed_dim=parts.TEXT_DIM,
        time_embed_dim=4,
        max_sequence_length=16,
    ).save_pretrained(folder / "transformer")
    AutoencoderKLMochi(
        encoder_block_out_channels=(32, 32, 32, 32),
        decoder_block_out_channels=(32, 32, 32, 32),
        layers_per_block=(1, 1, 1, 1, 1),
    ).save_pretrained(folder / "vae")
    FlowMatchEulerDiscreteScheduler(invert_sigmas=True).save_pretrained(folder / "scheduler")
    return parts.write_index(
        folder,
        "MochiPipeline",
        {
            "tokenizer": ("transformers", "T5Tokenizer"),
            "text_encoder": ("transformers", "T5EncoderModel"),
            "transformer": ("diffusers", "MochiTransformer3DModel"),
            "vae": ("diffusers", "AutoencoderKLMochi"),
            "scheduler": ("diffusers", "FlowMatchEulerDiscreteScheduler"),
        },
    )


CASES = (
    parts.Case(
        "mochi",
        build,
        "text-to-video",
        {"num_frames": 13, "width": 32, "height": 32},
        ("seed", "prompt", "negative_prompt", "guidance_scale"),
        previews=False,
    ),
)
