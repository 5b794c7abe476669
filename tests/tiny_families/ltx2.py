"""LTX-2: pictures and sound. 240 samples to a frame of the spectrogram, 100 of these a second, as in the real one."""

from pathlib import Path

import torch
from diffusers import (
    AutoencoderKLLTX2Audio,
    AutoencoderKLLTX2Video,
    FlowMatchEulerDiscreteScheduler,
    LTX2VideoTransformer3DModel,
)
from diffusers.pipelines.ltx2 import LTX2TextConnectors, LTX2Vocoder
from transformers import Gemma3Config, Gemma3ForConditionalGeneration, GemmaTokenizer

from tests.tiny_families import parts

Z, AUDIO, WIDTH, MELS = 8, 8, 16, 16


def build(folder: Path, *, pipeline: str = "LTX2Pipeline") -> Path:
    torch.manual_seed(0)
    letters = [chr(code) for code in range(33, 127)]
    tokens = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>", "▁", *letters]
    GemmaTokenizer(vocab={token: n for n, token in enumerate(tokens)}, merges=[]).save_pretrained(folder / "tokenizer")
    _text_encoder().save_pretrained(folder / "text_encoder")
    _connectors().save_pretrained(folder / "connectors")
    _transformer().save_pretrained(folder / "transformer")
    _autoencoder().save_pretrained(folder / "vae")
    _sound_autoencoder().save_pretrained(folder / "audio_vae")
    _vocoder().save_pretrained(folder / "vocoder")
    FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True).save_pretrained(folder / "scheduler")
    return parts.write_index(
        folder,
        pipeline,
        {
            "tokenizer": ("transformers", "GemmaTokenizerFast"),
            "text_encoder": ("transformers", "Gemma3ForConditionalGeneration"),
            "connectors": ("diffusers", "LTX2TextConnectors"),
            "transformer": ("diffusers", "LTX2VideoTransformer3DModel"),
            "vae": ("diffusers", "AutoencoderKLLTX2Video"),
            "audio_vae": ("diffusers", "AutoencoderKLLTX2Audio"),
            "vocoder": ("diffusers", "LTX2Vocoder"),
            "scheduler": ("diffusers", "FlowMatchEulerDiscreteScheduler"),
        },
    )


def _text_encoder() -> Gemma3ForConditionalGeneration:
    text = {"vocab_size": 128, "hidden_size": WIDTH, "intermediate_size": 32, "num_hidden_layers": 1, "head_dim": 8}
    eyes = {"hidden_size": 8, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    return Gemma3ForConditionalGeneration(
        Gemma3Config(
            text_config={**text, "num_attention_heads": 2, "num_key_value_heads": 1},
            vision_config={**eyes, "image_size": 14, "patch_size": 14},
            mm_tokens_per_image=1,
        )
    )


def _connectors() -> LTX2TextConnectors:
    shape = {"num_attention_heads": 2, "attention_head_dim": 8, "num_layers": 1, "num_learnable_registers": 8}
    each = {f"{kind}_connector_{name}": value for kind in ("video", "audio") for name, value in shape.items()}
    return LTX2TextConnectors(caption_channels=WIDTH, text_proj_in_factor=2, connector_rope_base_seq_len=32, **each)


def _transformer() -> LTX2VideoTransformer3DModel:
    network = LTX2VideoTransformer3DModel(
        in_channels=Z,
        out_channels=Z,
        num_attention_heads=2,
        attention_head_dim=8,
        cross_attention_dim=WIDTH,
        audio_in_channels=AUDIO,
        audio_out_channels=AUDIO,
        audio_num_attention_heads=2,
        audio_attention_head_dim=4,
        audio_cross_attention_dim=8,
        num_layers=2,
        caption_channels=WIDTH,
    )
    # else what a frame sees of another one is lost in rounding to grey levels
    for name, weight in network.named_parameters():
        if ".attn1.to_" in name and weight.ndim == 2:
            torch.nn.init.normal_(weight, std=0.5)
    return network


def _autoencoder() -> AutoencoderKLLTX2Video:
    vae = AutoencoderKLLTX2Video(
        latent_channels=Z,
        block_out_channels=(8, 16, 32, 64),
        decoder_block_out_channels=(8, 16, 32),
        layers_per_block=(1, 1, 1, 1, 1),
        decoder_layers_per_block=(1, 1, 1, 1),
        spatial_compression_ratio=32,
        temporal_compression_ratio=8,
    )
    vae.latents_mean.normal_(std=0.2)
    vae.latents_std.uniform_(0.5, 1.5)
    return vae


def _sound_autoencoder() -> AutoencoderKLLTX2Audio:
    vae = AutoencoderKLLTX2Audio(base_channels=AUDIO, latent_channels=2, num_res_blocks=1, resolution=16, mel_bins=MELS)
    vae.latents_mean.normal_(std=0.2)
    vae.latents_std.uniform_(0.5, 1.5)
    for _, weight in vae.decoder.named_parameters():
        if weight.ndim == 4:
            torch.nn.init.normal_(weight, std=(weight.shape[1] * 9) ** -0.5)
    return vae


def _vocoder() -> LTX2Vocoder:
    vocoder = LTX2Vocoder(
        in_channels=2 * MELS, hidden_channels=64, resnet_kernel_sizes=[3], resnet_dilations=[[1, 3, 5]]
    )
    # untrained it hums, whatever it is given
    for name, weight in vocoder.named_parameters():
        if weight.ndim == 3:
            fan = weight.shape[1] * weight.shape[2] / (6 if "upsamplers" in name else 1)
            torch.nn.init.normal_(weight, std=fan**-0.5)
        else:
            torch.nn.init.zeros_(weight)
    return vocoder


CLIP = {"num_frames": 17, "width": 64, "height": 64}
CASES = (
    parts.Case(
        "ltx2-t2v",
        build,
        "text-to-video",
        CLIP,
        ("seed", "prompt", "negative_prompt", "guidance_scale", "guidance_rescale"),
        previews=False,
    ),
    parts.Case("ltx2-i2v", build, "image-to-video", CLIP, ("seed", "prompt", "image"), previews=False),
    parts.Case(
        "ltx2-flf2v", build, "image-to-video", CLIP | {"last_image": True}, ("image", "last_image"), previews=False
    ),
)
