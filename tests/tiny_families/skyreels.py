"""SkyReels-V2 by diffusion forcing, on the autoencoder of Wan."""

from pathlib import Path

import torch
from diffusers import SkyReelsV2Transformer3DModel, UniPCMultistepScheduler

from tests.tiny_families import parts
from tests.tiny_families.wan import Z, autoencoder


def build(folder: Path) -> Path:
    torch.manual_seed(0)
    parts.t5_tokenizer(folder / "tokenizer")
    parts.umt5_encoder(folder / "text_encoder")
    autoencoder().save_pretrained(folder / "vae")
    SkyReelsV2Transformer3DModel(
        num_attention_heads=2,
        attention_head_dim=12,
        in_channels=Z,
        out_channels=Z,
        text_dim=parts.TEXT_DIM,
        freq_dim=32,
        ffn_dim=32,
        num_layers=1,
        rope_max_seq_len=64,
    ).save_pretrained(folder / "transformer")
    UniPCMultistepScheduler(prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=5.0).save_pretrained(
        folder / "scheduler"
    )
    return parts.write_index(
        folder,
        "SkyReelsV2DiffusionForcingPipeline",
        {
            "tokenizer": ("transformers", "T5Tokenizer"),
            "text_encoder": ("transformers", "UMT5EncoderModel"),
            "transformer": ("diffusers", "SkyReelsV2Transformer3DModel"),
            "vae": ("diffusers", "AutoencoderKLWan"),
            "scheduler": ("diffusers", "UniPCMultistepScheduler"),
        },
    )


CASES = (
    parts.Case(
        "skyreels-df",
        build,
        "text-to-video",
        {"num_frames": 9, "width": 32, "height": 32},
        ("seed", "prompt", "negative_prompt", "guidance_scale", "shift"),
        previews=False,
    ),
)
