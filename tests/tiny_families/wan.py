"""Wan 2.1 and 2.2: text-to-video, with a picture, with both pictures, two experts, and the small model of 2.2."""

from functools import partial
from pathlib import Path

import torch
from diffusers import AutoencoderKLWan, FlowMatchEulerDiscreteScheduler, WanTransformer3DModel
from transformers import CLIPVisionModel

from tests.tiny_families import parts

Z = 4


def build(folder: Path, *, picture: str = "", experts: bool = False, small: bool = False, wide: bool = False) -> Path:
    """`picture`: "" takes none, "first" or "both" are read with CLIP as in 2.1, "latents" as in 2.2.

    `wide`: with rows of 64 weights, which files in blocks need.
    """
    torch.manual_seed(0)
    parts.t5_tokenizer(folder / "tokenizer")
    parts.umt5_encoder(folder / "text_encoder")
    index = {
        "tokenizer": ("transformers", "T5Tokenizer"),
        "text_encoder": ("transformers", "UMT5EncoderModel"),
        "transformer": ("diffusers", "WanTransformer3DModel"),
        "vae": ("diffusers", "AutoencoderKLWan"),
        "scheduler": ("diffusers", "FlowMatchEulerDiscreteScheduler"),
    }
    if picture in ("first", "both"):
        parts.clip_vision(folder / "image_encoder", CLIPVisionModel)
        parts.clip_processor(folder / "image_processor")
        index |= {"image_encoder": ("transformers", "CLIPVisionModel")}
        index |= {"image_processor": ("transformers", "CLIPImageProcessor")}
    autoencoder(small).save_pretrained(folder / "vae")
    _transformer(picture, wide).save_pretrained(folder / "transformer")
    if experts:
        _transformer(picture).save_pretrained(folder / "transformer_2")
        index |= {"transformer_2": ("diffusers", "WanTransformer3DModel")}
    FlowMatchEulerDiscreteScheduler(shift=3.0).save_pretrained(folder / "scheduler")
    pipeline = "WanImageToVideoPipeline" if picture else "WanPipeline"
    boundary = 0.9 if experts else None
    return parts.write_index(folder, pipeline, index, boundary_ratio=boundary, expand_timesteps=small)


def autoencoder(small: bool = False) -> AutoencoderKLWan:
    patched = {"is_residual": True, "patch_size": 2, "in_channels": 12, "out_channels": 12, "scale_factor_spatial": 16}
    return AutoencoderKLWan(
        base_dim=4,
        z_dim=Z,
        dim_mult=[1, 1, 2, 2],
        num_res_blocks=1,
        temperal_downsample=[False, True, True],
        latents_mean=[0.1] * Z,
        latents_std=[0.9] * Z,
        **(patched if small else {}),
    )


def _transformer(picture: str, wide: bool = False) -> WanTransformer3DModel:
    return WanTransformer3DModel(
        num_attention_heads=2,
        attention_head_dim=32 if wide else 12,
        ffn_dim=128 if wide else 32,
        num_layers=1,
        text_dim=parts.TEXT_DIM,
        freq_dim=32,
        in_channels=2 * Z + 4 if picture else Z,
        out_channels=Z,
        image_dim=parts.TEXT_DIM if picture in ("first", "both") else None,
        pos_embed_seq_len=10 if picture == "both" else None,
        rope_max_seq_len=64,
    )


CLIP = {"num_frames": 9, "width": 32, "height": 32}
PICTURE = {"image": True}
CASES = (
    parts.Case(
        "wan-2.1-t2v",
        build,
        "text-to-video",
        CLIP,
        ("seed", "prompt", "negative_prompt", "guidance_scale", "unipc", "shift", "shift_by_size"),
    ),
    parts.Case("wan-2.1-v2v", build, "video-to-video", CLIP, ("seed", "prompt", "video", "strength")),
    parts.Case("wan-2.1-i2v", partial(build, picture="first"), "image-to-video", CLIP, ("seed", "prompt", "image")),
    parts.Case(
        "wan-2.1-flf2v", partial(build, picture="both"), "image-to-video", CLIP | {"last_image": True}, ("last_image",)
    ),
    parts.Case(
        "wan-2.2-i2v",
        partial(build, picture="latents", experts=True),
        "image-to-video",
        CLIP | {"last_image": True, "num_inference_steps": 3},
        ("seed", "prompt", "image", "last_image"),
    ),
    parts.Case("wan-2.2-t2v", partial(build, experts=True), "text-to-video", CLIP | {"num_inference_steps": 3}),
    parts.Case(
        "wan-2.2-ti2v", partial(build, small=True), "image-to-video", CLIP | {"width": 64}, ("seed", "prompt", "image")
    ),
    parts.Case("wan-2.2-ti2v-text", partial(build, small=True), "text-to-video", CLIP | {"width": 64}),
)
