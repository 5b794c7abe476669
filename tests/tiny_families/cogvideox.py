"""CogVideoX 1.0 with and without a picture, and 1.5, which patches along time."""

from functools import partial
from pathlib import Path

import torch
from diffusers import (
    AutoencoderKLCogVideoX,
    CogVideoXDDIMScheduler,
    CogVideoXDPMScheduler,
    CogVideoXTransformer3DModel,
)

from tests.tiny_families import parts

Z = 4
TEXT_LENGTH = 16
CONTROL = "CogVideoXFunControlPipeline"


def build(
    folder: Path, *, picture: bool = False, patch_size_t: int | None = None, pipeline: str = "CogVideoXPipeline"
) -> Path:
    torch.manual_seed(0)
    parts.t5_tokenizer(folder / "tokenizer")
    parts.t5_encoder(folder / "text_encoder")
    CogVideoXTransformer3DModel(
        num_attention_heads=2,
        attention_head_dim=16,
        in_channels=2 * Z if picture or pipeline == CONTROL else Z,
        out_channels=Z,
        time_embed_dim=8,
        text_embed_dim=parts.TEXT_DIM,
        num_layers=1,
        sample_width=4,
        sample_height=4,
        sample_frames=17,
        patch_size=2,
        patch_size_t=patch_size_t,
        temporal_compression_ratio=4,
        max_text_seq_length=TEXT_LENGTH,
        use_rotary_positional_embeddings=True,
    ).save_pretrained(folder / "transformer")
    AutoencoderKLCogVideoX(
        block_out_channels=(8, 8, 8, 8),
        latent_channels=Z,
        layers_per_block=1,
        norm_num_groups=2,
        temporal_compression_ratio=4,
    ).save_pretrained(folder / "vae")
    scheduler = CogVideoXDPMScheduler if patch_size_t else CogVideoXDDIMScheduler
    scheduler(prediction_type="v_prediction", snr_shift_scale=1.0).save_pretrained(folder / "scheduler")
    return parts.write_index(
        folder,
        "CogVideoXImageToVideoPipeline" if picture else pipeline,
        {
            "tokenizer": ("transformers", "T5Tokenizer"),
            "text_encoder": ("transformers", "T5EncoderModel"),
            "transformer": ("diffusers", "CogVideoXTransformer3DModel"),
            "vae": ("diffusers", "AutoencoderKLCogVideoX"),
            "scheduler": ("diffusers", scheduler.__name__),
        },
    )


CLIP = {"num_frames": 17, "width": 32, "height": 32}
CASES = (
    parts.Case(
        "cogvideox-t2v",
        build,
        "text-to-video",
        CLIP,
        ("seed", "prompt", "negative_prompt", "guidance_scale", "dpmpp-2m-sde"),
    ),
    parts.Case("cogvideox-v2v", build, "video-to-video", CLIP, ("seed", "prompt", "video", "strength")),
    parts.Case("cogvideox-i2v", partial(build, picture=True), "image-to-video", CLIP, ("seed", "prompt", "image")),
    parts.Case(
        "cogvideox-fun-control",
        partial(build, pipeline=CONTROL),
        "text-to-video",
        CLIP | {"controls": [{"kind": "canny", "video": {"upload_id": "upl_clip"}}]},
        ("seed", "prompt", "control"),
    ),
    parts.Case("cogvideox-1.5-t2v", partial(build, patch_size_t=2), "text-to-video", CLIP),
    parts.Case(
        "cogvideox-1.5-i2v",
        partial(build, patch_size_t=2, picture=True),
        "image-to-video",
        CLIP,
        ("seed", "prompt", "image"),
    ),
)
