"""FramePack: the network of HunyuanVideo with its history of several grains, and a Siglip that looks at the picture."""

from functools import partial
from pathlib import Path

import torch
from diffusers import HunyuanVideoFramepackTransformer3DModel
from transformers import SiglipImageProcessor, SiglipVisionConfig, SiglipVisionModel

from tests.tiny_families import hunyuan_video, parts


def build(folder: Path, *, forward: bool = False) -> Path:
    """`forward`: of F1, whose index says so."""
    hunyuan_video.build(folder)
    torch.manual_seed(1)
    HunyuanVideoFramepackTransformer3DModel(
        in_channels=4,
        out_channels=4,
        num_attention_heads=2,
        attention_head_dim=10,
        num_layers=1,
        num_single_layers=1,
        num_refiner_layers=1,
        text_embed_dim=16,
        pooled_projection_dim=parts.TEXT_DIM,
        rope_axes_dim=(2, 4, 4),
        has_image_proj=True,
        image_proj_dim=16,
        has_clean_x_embedder=True,
    ).save_pretrained(folder / "transformer")
    eyes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    SiglipVisionModel(SiglipVisionConfig(**eyes, image_size=16, patch_size=8)).save_pretrained(folder / "image_encoder")
    SiglipImageProcessor(size={"height": 16, "width": 16}).save_pretrained(folder / "feature_extractor")
    return parts.write_index(
        folder,
        "HunyuanVideoFramepackPipeline",
        {
            "tokenizer": ("transformers", "LlamaTokenizerFast"),
            "text_encoder": ("transformers", "LlamaModel"),
            "tokenizer_2": ("transformers", "CLIPTokenizer"),
            "text_encoder_2": ("transformers", "CLIPTextModel"),
            "image_encoder": ("transformers", "SiglipVisionModel"),
            "feature_extractor": ("transformers", "SiglipImageProcessor"),
            "transformer": ("diffusers", "HunyuanVideoFramepackTransformer3DModel"),
            "vae": ("diffusers", "AutoencoderKLHunyuanVideo"),
            "scheduler": ("diffusers", "FlowMatchEulerDiscreteScheduler"),
        },
        **({"sampling_type": "vanilla"} if forward else {}),
    )


CLIP = {"num_frames": 37, "width": 32, "height": 32}
CASES = (
    parts.Case("framepack", build, "image-to-video", CLIP, ("seed", "prompt", "image", "guidance_scale")),
    parts.Case(
        "framepack-three-sections",
        build,
        "image-to-video",
        CLIP | {"num_frames": 109, "last_image": True},
        ("last_image",),
    ),
    parts.Case(
        "framepack-f1",
        partial(build, forward=True),
        "image-to-video",
        CLIP | {"num_frames": 109},
        ("seed", "prompt", "image"),
    ),
)
