"""HunyuanVideo. Its language model's tokenizer is one of words here, so that the pipeline's template leaves room."""

from pathlib import Path

import torch
from diffusers import AutoencoderKLHunyuanVideo, FlowMatchEulerDiscreteScheduler, HunyuanVideoTransformer3DModel
from transformers import LlamaConfig, LlamaModel, LlamaTokenizer

from tests.tiny_families import parts


def build(folder: Path) -> Path:
    torch.manual_seed(0)
    letters = [chr(code) for code in range(33, 127)]
    vocabulary = {token: number for number, token in enumerate(["<unk>", "<s>", "</s>", "▁", *letters])}
    LlamaTokenizer(vocab=vocabulary, merges=[], pad_token="</s>").save_pretrained(folder / "tokenizer")
    LlamaModel(
        LlamaConfig(
            vocab_size=128,
            hidden_size=16,
            intermediate_size=32,
            num_hidden_layers=3,
            num_attention_heads=2,
            max_position_embeddings=128,
        )
    ).save_pretrained(folder / "text_encoder")
    parts.clip_tokenizer(folder / "tokenizer_2")
    parts.clip_text(folder / "text_encoder_2")
    HunyuanVideoTransformer3DModel(
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
    ).save_pretrained(folder / "transformer")
    AutoencoderKLHunyuanVideo(
        latent_channels=4, block_out_channels=(8, 8, 8, 8), layers_per_block=1, norm_num_groups=4
    ).save_pretrained(folder / "vae")
    FlowMatchEulerDiscreteScheduler(shift=7.0).save_pretrained(folder / "scheduler")
    return parts.write_index(
        folder,
        "HunyuanVideoPipeline",
        {
            "tokenizer": ("transformers", "LlamaTokenizerFast"),
            "text_encoder": ("transformers", "LlamaModel"),
            "tokenizer_2": ("transformers", "CLIPTokenizer"),
            "text_encoder_2": ("transformers", "CLIPTextModel"),
            "transformer": ("diffusers", "HunyuanVideoTransformer3DModel"),
            "vae": ("diffusers", "AutoencoderKLHunyuanVideo"),
            "scheduler": ("diffusers", "FlowMatchEulerDiscreteScheduler"),
        },
    )


CASES = (
    parts.Case(
        "hunyuan-video",
        build,
        "text-to-video",
        {"num_frames": 9, "width": 32, "height": 32},
        ("seed", "prompt", "guidance_scale", "shift"),
    ),
)
