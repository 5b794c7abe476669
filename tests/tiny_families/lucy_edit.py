"""Lucy Edit: the network of Wan 2.2 with channels for the source beside the noise."""

from pathlib import Path

import torch
from diffusers import FlowMatchEulerDiscreteScheduler, WanTransformer3DModel

from tests.tiny_families import parts, wan


def build(folder: Path) -> Path:
    torch.manual_seed(0)
    parts.t5_tokenizer(folder / "tokenizer")
    parts.umt5_encoder(folder / "text_encoder")
    wan.autoencoder(small=True).save_pretrained(folder / "vae")
    WanTransformer3DModel(
        num_attention_heads=2,
        attention_head_dim=12,
        ffn_dim=32,
        num_layers=1,
        text_dim=parts.TEXT_DIM,
        freq_dim=32,
        in_channels=2 * wan.Z,
        out_channels=wan.Z,
        rope_max_seq_len=64,
    ).save_pretrained(folder / "transformer")
    FlowMatchEulerDiscreteScheduler(shift=3.0).save_pretrained(folder / "scheduler")
    index = {
        "tokenizer": ("transformers", "T5Tokenizer"),
        "text_encoder": ("transformers", "UMT5EncoderModel"),
        "transformer": ("diffusers", "WanTransformer3DModel"),
        "vae": ("diffusers", "AutoencoderKLWan"),
        "scheduler": ("diffusers", "FlowMatchEulerDiscreteScheduler"),
    }
    return parts.write_index(folder, "LucyEditPipeline", index, boundary_ratio=None, expand_timesteps=True)


CASES = (
    parts.Case(
        "lucy-edit",
        build,
        "video-to-video",
        {"num_frames": 9, "width": 64, "height": 32, "strength": None},
        ("seed", "prompt", "negative_prompt", "guidance_scale", "video"),
    ),
)
