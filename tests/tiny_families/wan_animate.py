"""Wan Animate: the network of Wan with its encoder of faces."""

from pathlib import Path

import torch
from diffusers import UniPCMultistepScheduler, WanAnimateTransformer3DModel
from transformers import CLIPVisionModel

from tests.tiny_families import parts, wan


def build(folder: Path) -> Path:
    torch.manual_seed(0)
    parts.t5_tokenizer(folder / "tokenizer")
    parts.umt5_encoder(folder / "text_encoder")
    parts.clip_vision(folder / "image_encoder", CLIPVisionModel)
    parts.clip_processor(folder / "image_processor")
    wan.autoencoder().save_pretrained(folder / "vae")
    _transformer().save_pretrained(folder / "transformer")
    UniPCMultistepScheduler(prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=3.0).save_pretrained(
        folder / "scheduler"
    )
    return parts.write_index(
        folder,
        "WanAnimatePipeline",
        {
            "tokenizer": ("transformers", "T5Tokenizer"),
            "text_encoder": ("transformers", "UMT5EncoderModel"),
            "image_encoder": ("transformers", "CLIPVisionModel"),
            "image_processor": ("transformers", "CLIPImageProcessor"),
            "transformer": ("diffusers", "WanAnimateTransformer3DModel"),
            "vae": ("diffusers", "AutoencoderKLWan"),
            "scheduler": ("diffusers", "UniPCMultistepScheduler"),
        },
    )


def _transformer() -> WanAnimateTransformer3DModel:
    network = WanAnimateTransformer3DModel(
        num_attention_heads=2,
        attention_head_dim=12,
        in_channels=2 * wan.Z + 4,
        latent_channels=wan.Z,
        out_channels=wan.Z,
        text_dim=parts.TEXT_DIM,
        freq_dim=32,
        ffn_dim=32,
        num_layers=1,
        image_dim=parts.TEXT_DIM,
        rope_max_seq_len=64,
        motion_encoder_channel_sizes={"4": 8, "8": 8, "16": 8},
        motion_encoder_size=16,
        motion_style_dim=8,
        motion_dim=4,
        motion_encoder_dim=16,
        face_encoder_hidden_dim=16,
        face_encoder_num_heads=2,
        inject_face_latents_blocks=1,
    )
    # else a face is lost in rounding to grey levels
    for name, weight in network.named_parameters():
        if "face" in name and weight.ndim > 1:
            torch.nn.init.normal_(weight, std=0.5)
    return network


FOLLOWED = [{"kind": kind, "video": {"upload_id": "upl_clip"}, "drawn": True} for kind in ("pose", "face")]
CLIP = {"num_frames": 9, "width": 32, "height": 32, "controls": FOLLOWED}
CASES = (
    parts.Case(
        "wan-animate",
        build,
        "image-to-video",
        CLIP,
        ("seed", "prompt", "image", "pose", "face", "guided", "shift"),
        previews=False,
    ),
    parts.Case(
        "wan-animate-replace",
        build,
        "video-to-video",
        CLIP
        | {
            "strength": None,
            "references": [{"image": {"upload_id": "upl_image"}}],
            "mask": {"box": {"left": 0.25, "top": 0.25, "right": 1, "bottom": 1}, "feather": 0},
        },
        ("seed", "video", "pose", "face", "someone_else"),
        previews=False,
        exact=False,
    ),
)
