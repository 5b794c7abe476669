"""Tiny checkpoints of the real classes with random weights, built at run time in the real folder layout."""

import json
from pathlib import Path

import torch
from diffusers import AutoencoderKLWan, FlowMatchEulerDiscreteScheduler, WanVACETransformer3DModel
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import T5Tokenizer, UMT5Config, UMT5EncoderModel

from vidgen_models.folder_check import sha256

TEXT_LENGTH = 16
WORDS = ["a red cat moves left on a blue background", "the green dog spins slowly", "up down right grows shrinks"]


def build_wan_vace(folder: Path, seed: int = 0) -> Path:
    """A Wan-VACE pipeline folder of about 0.4M parameters; the same seed gives the same weights."""
    torch.manual_seed(seed)
    _save_tokenizer(folder / "tokenizer")
    config = UMT5Config(
        vocab_size=128, d_model=32, d_kv=16, d_ff=64, num_layers=1, num_heads=2, dropout_rate=0.0, pad_token_id=0
    )
    UMT5EncoderModel(config).save_pretrained(folder / "text_encoder")
    AutoencoderKLWan(
        base_dim=8,
        z_dim=16,
        dim_mult=[1, 1, 2, 2],
        num_res_blocks=1,
        temperal_downsample=[False, True, True],
        latents_mean=[0.1] * 16,
        latents_std=[0.9] * 16,
    ).save_pretrained(folder / "vae")
    WanVACETransformer3DModel(
        num_attention_heads=2,
        attention_head_dim=24,
        ffn_dim=64,
        num_layers=2,
        text_dim=32,
        freq_dim=32,
        vace_layers=[0],
        vace_in_channels=96,
        rope_max_seq_len=64,
    ).save_pretrained(folder / "transformer")
    FlowMatchEulerDiscreteScheduler(shift=3.0).save_pretrained(folder / "scheduler")
    index = {
        "_class_name": "WanVACEPipeline",
        "scheduler": ["diffusers", "FlowMatchEulerDiscreteScheduler"],
        "text_encoder": ["transformers", "UMT5EncoderModel"],
        "tokenizer": ["transformers", "T5Tokenizer"],
        "transformer": ["diffusers", "WanVACETransformer3DModel"],
        "transformer_2": [None, None],
        "vae": ["diffusers", "AutoencoderKLWan"],
    }
    (folder / "model_index.json").write_text(json.dumps(index))
    return folder


def write_manifest(manifests: Path, model_id: str, folder: Path) -> None:
    """A manifest with real hashes, so that a test can change a file and see it refused."""
    files = {path.relative_to(folder).as_posix(): sha256(path) for path in folder.rglob("*.safetensors")}
    lines = [f'"{name}" = "{digest}"' for name, digest in sorted(files.items())]
    manifests.mkdir(parents=True, exist_ok=True)
    (manifests / f"{model_id}.toml").write_text(
        f"""
id = "{model_id}"
name = "Tiny"
family = "wan_vace"
revision = "test"
licence = "Apache-2.0"
description = "Random weights."
folder = "{folder}"
text_length = {TEXT_LENGTH}
[rules]
tasks = ["text-to-video", "image-to-video", "video-to-video", "extend-video"]
fps = 8
prediction = "flow_prediction"
samplers = ["euler", "unipc", "dpmpp-2m"]
options = ["sampler", "shift", "guidance_rescale", "guidance_from", "guidance_until", "guidance_schedule", "loras"]
keyframes = true
weighted_prompts = true
regions = true
[rules.frames]
min = 5
max = 25
step = 4
default = 9
[rules.sides]
min = 32
max = 64
multiple = 16
default_width = 32
default_height = 32
[rules.steps]
min = 1
max = 50
default = 2
[rules.guidance]
min = 1.0
max = 8.0
default = 3.0
[rules.conditioning]
controls = ["canny", "soft-edge", "scribble", "gray", "depth", "flow", "layout"]
mask = true
references = 1
camera = "flow"
camera_axes = ["pan", "tilt", "zoom", "roll", "dolly", "orbit"]
trajectories = "layout"
brush = true
motion_strength = "flow"
ends = true
flow_full = 0.0625
[rules.long]
modes = ["chain", "co_denoise"]
max_frames = 201
window = 20
overlap = 8
overlap_min = 4
overlap_max = 12
rerolls = 0
[files]
"""
        + "\n".join(lines)
        + "\n"
    )


def write_networks(manifests: Path) -> None:
    """Untrained networks for interpolation and enlargement, with their manifests, in `manifests/networks`."""
    from safetensors.torch import save_file

    from vidgen_models.nets.interpolation import InterpolationNet
    from vidgen_models.nets.upscaling import UpscalingNet, UpscalingParams

    folder = manifests / "networks"
    folder.mkdir(parents=True)
    torch.manual_seed(0)
    small = UpscalingNet(UpscalingParams(channels=8, blocks=1))
    for kind, scale, net in (("interpolation", 1, InterpolationNet()), ("upscaling", 2, small)):
        file = folder / f"{kind}.safetensors"
        save_file(net.state_dict(), file)
        lines = {"id": f"zz-{kind}", "kind": kind, "name": "Untrained", "revision": "test", "licence": "Apache-2.0"}
        lines |= {"description": "Random weights.", "scale": scale, "file": str(file), "sha256": sha256(file)}
        lines["seconds_per_megapixel"] = 2.0
        (folder / f"{kind}.toml").write_text("".join(f"{key} = {json.dumps(it)}\n" for key, it in lines.items()))


def _save_tokenizer(folder: Path) -> None:
    unigram = Tokenizer(models.Unigram())
    unigram.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.UnigramTrainer(vocab_size=100, special_tokens=["<pad>", "</s>", "<unk>"], unk_token="<unk>")
    unigram.train_from_iterator(WORDS * 4, trainer)
    vocabulary = [(token, score) for token, score in json.loads(unigram.to_str())["model"]["vocab"]]
    T5Tokenizer(vocab=vocabulary, extra_ids=0).save_pretrained(folder)
