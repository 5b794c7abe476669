"""AnimateDiff: the joined network, and a still-picture network with its adapter beside it."""

from functools import partial
from pathlib import Path

import torch
from diffusers import (
    AutoencoderKL,
    ControlNetModel,
    DDIMScheduler,
    MotionAdapter,
    SparseControlNetModel,
    UNet2DConditionModel,
    UNetMotionModel,
)
from safetensors.torch import save_file
from transformers import CLIPVisionModelWithProjection

from tests.tiny_families import parts

CHANNELS = (8, 8)


def build(folder: Path, *, joined: bool = True, known: int = 32, control: str = "", looks: bool = False) -> Path:
    torch.manual_seed(0)
    parts.clip_tokenizer(folder / "tokenizer")
    parts.clip_text(folder / "text_encoder")
    unet = UNet2DConditionModel(
        block_out_channels=CHANNELS,
        layers_per_block=1,
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=parts.TEXT_DIM,
        norm_num_groups=2,
        attention_head_dim=4,
    )
    adapter = MotionAdapter(
        block_out_channels=CHANNELS,
        motion_layers_per_block=1,
        motion_norm_num_groups=2,
        motion_num_attention_heads=2,
        motion_max_seq_length=known,
    )
    # a fresh adapter ends in zeros and moves nothing
    for name, weight in adapter.named_parameters():
        if "proj_out" in name:
            torch.nn.init.normal_(weight, std=0.2)
    (UNetMotionModel.from_unet2d(unet, adapter) if joined else unet).save_pretrained(folder / "unet")
    index = {
        "tokenizer": ("transformers", "CLIPTokenizer"),
        "text_encoder": ("transformers", "CLIPTextModel"),
        "unet": ("diffusers", "UNetMotionModel" if joined else "UNet2DConditionModel"),
        "vae": ("diffusers", "AutoencoderKL"),
        "scheduler": ("diffusers", "DDIMScheduler"),
    }
    if not joined:
        adapter.save_pretrained(folder / "motion_adapter")
        index |= {"motion_adapter": ("diffusers", "MotionAdapter")}
    AutoencoderKL(
        block_out_channels=CHANNELS,
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        norm_num_groups=2,
    ).save_pretrained(folder / "vae")
    DDIMScheduler(beta_schedule="linear", clip_sample=False, steps_offset=1).save_pretrained(folder / "scheduler")
    if looks:
        index |= _image_adapter(folder)
    if not control:
        return parts.write_index(folder, "AnimateDiffPipeline", index)
    whole = control in ("whole", "two")
    networks = [_control_network() if whole else _sparse_network(scribbles=control == "scribbles")]
    networks += [_control_network()] if control == "two" else []
    for number, network in enumerate(networks):
        # a fresh one ends in zeros, and nothing is followed
        for weight in network.parameters():
            if weight.ndim > 1 and not weight.any():
                torch.nn.init.normal_(weight, std=0.3)
        network.save_pretrained(folder / (f"controlnet_{number}" if number else "controlnet"))
    kind = type(networks[0]).__name__ if len(networks) == 1 else "MultiControlNetModel"
    index |= {"controlnet": ("diffusers", kind)}
    pipeline = "AnimateDiffControlNetPipeline" if whole else "AnimateDiffSparseControlNetPipeline"
    return parts.write_index(folder, pipeline, index)


def _image_adapter(folder: Path) -> dict[str, tuple[str, str]]:
    """An IP-Adapter in its authors' names: four words for a picture, read by every layer that reads the text."""
    parts.clip_vision(folder / "image_encoder", CLIPVisionModelWithProjection)
    parts.clip_processor(folder / "feature_extractor")
    words, dim = 4, parts.TEXT_DIM
    weights = {
        "image_proj.proj.weight": torch.randn(words * dim, dim),
        "image_proj.proj.bias": torch.zeros(words * dim),
    }
    weights |= {"image_proj.norm.weight": torch.ones(dim), "image_proj.norm.bias": torch.zeros(dim)}
    unet = UNetMotionModel.from_pretrained(folder / "unet")
    layers = [name for name in unet.attn_processors if name.endswith("attn2.processor") and "motion" not in name]
    for number, _ in enumerate(layers):
        for target in ("to_k_ip", "to_v_ip"):
            weights[f"ip_adapter.{2 * number + 1}.{target}.weight"] = torch.randn(CHANNELS[0], dim)
    (folder / "ip_adapter").mkdir()
    save_file(weights, folder / "ip_adapter" / "ip-adapter_sd15.safetensors")
    return {
        "image_encoder": ("transformers", "CLIPVisionModelWithProjection"),
        "feature_extractor": ("transformers", "CLIPImageProcessor"),
    }


def _control_network() -> ControlNetModel:
    return ControlNetModel(
        block_out_channels=CHANNELS,
        layers_per_block=1,
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        cross_attention_dim=parts.TEXT_DIM,
        norm_num_groups=2,
        attention_head_dim=4,
        conditioning_embedding_out_channels=(8, 8),
    )


def _sparse_network(*, scribbles: bool) -> SparseControlNetModel:
    drawn = {"use_simplified_condition_embedding": False, "conditioning_channels": 3}
    return SparseControlNetModel(
        **(drawn | {"conditioning_embedding_out_channels": (8, 8)} if scribbles else {}),
        block_out_channels=CHANNELS,
        layers_per_block=1,
        down_block_types=("CrossAttnDownBlockMotion", "DownBlockMotion"),
        cross_attention_dim=parts.TEXT_DIM,
        norm_num_groups=2,
        attention_head_dim=4,
        motion_num_attention_heads=2,
    )


CLIP = {"num_frames": 6, "width": 32, "height": 32}
CANNY = {"controls": [{"kind": "canny", "video": {"upload_id": "upl_clip"}}]}
CASES = (
    parts.Case(
        "animatediff-t2v",
        build,
        "text-to-video",
        CLIP,
        ("seed", "prompt", "negative_prompt", "guidance_scale", "euler-ancestral", "karras", "eta", "free_init"),
    ),
    parts.Case("animatediff-v2v", build, "video-to-video", CLIP, ("seed", "prompt", "video", "strength")),
    parts.Case("animatediff-long", partial(build, known=8), "text-to-video", CLIP | {"num_frames": 14}),
    parts.Case(
        "animatediff-ip-adapter",
        partial(build, looks=True),
        "text-to-video",
        CLIP | {"references": [{"image": {"upload_id": "upl_image"}}]},
        ("seed", "prompt", "reference", "no_reference"),
    ),
    parts.Case(
        "animatediff-controlnet",
        partial(build, control="whole"),
        "text-to-video",
        CLIP | CANNY,
        ("seed", "prompt", "control", "control_weight", "control_end", "no_control"),
        follows=("canny",),
    ),
    parts.Case(
        "animatediff-controlnet-v2v",
        partial(build, control="whole"),
        "video-to-video",
        CLIP | CANNY,
        ("video", "control", "control_weight"),
        follows=("canny",),
    ),
    parts.Case(
        "animatediff-sparsectrl",
        partial(build, control="sparse"),
        "text-to-video",
        CLIP | {"keyframes": [{"image": {"upload_id": "upl_image"}, "frame": 0}]},
        ("seed", "keyframes", "more_keyframes", "no_keyframes"),
    ),
    parts.Case(
        "animatediff-controlnets",
        partial(build, control="two"),
        "text-to-video",
        CLIP | {"controls": [*CANNY["controls"], {"kind": "gray", "video": {"upload_id": "upl_clip"}, "weight": 0.5}]},
        ("no_control", "first_control", "second_control"),
        follows=("canny", "gray"),
    ),
    parts.Case(
        "animatediff-sparsectrl-scribbles",
        partial(build, control="scribbles"),
        "text-to-video",
        CLIP | {"keyframes": [{"image": {"upload_id": "upl_image"}, "frame": 0}]},
        ("more_keyframes", "no_keyframes"),
    ),
    parts.Case("animatediff-adapter", partial(build, joined=False), "text-to-video", CLIP),
)
