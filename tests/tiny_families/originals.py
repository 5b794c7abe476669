"""The tiny networks under the names that their authors' files use, as published files have them."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from safetensors.torch import load_file, save_file
from torch import Tensor

Renames = Iterable[tuple[str, str]]

WAN = (
    (r"^condition_embedder\.time_embedder\.linear_1", "time_embedding.0"),
    (r"^condition_embedder\.time_embedder\.linear_2", "time_embedding.2"),
    (r"^condition_embedder\.text_embedder\.linear_1", "text_embedding.0"),
    (r"^condition_embedder\.text_embedder\.linear_2", "text_embedding.2"),
    (r"^condition_embedder\.time_proj", "time_projection.1"),
    (r"^scale_shift_table", "head.modulation"),
    (r"^proj_out", "head.head"),
    (r"\.scale_shift_table", ".modulation"),
    (r"\.attn1\.", ".self_attn."),
    (r"\.attn2\.", ".cross_attn."),
    (r"\.to_([qkv])\.", r".\1."),
    (r"\.to_out\.0\.", ".o."),
    (r"\.ffn\.net\.0\.proj", ".ffn.0"),
    (r"\.ffn\.net\.2", ".ffn.2"),
    (r"\.norm2\.", ".norm3."),
)
LTX = (
    (r"^proj_in", "patchify_proj"),
    (r"^time_embed", "adaln_single"),
    (r"norm_([qk])\.", r"\1_norm."),
    (r"^", "model.diffusion_model."),
)
LTX_VAE = (
    (r"decoder\.up_blocks\.3\.upsamplers\.0", "decoder.ups.8"),
    (r"decoder\.up_blocks\.2\.upsamplers\.0", "decoder.ups.5"),
    (r"decoder\.up_blocks\.1\.upsamplers\.0", "decoder.ups.2"),
    (r"decoder\.up_blocks\.3", "decoder.ups.9"),
    (r"decoder\.up_blocks\.2", "decoder.ups.6"),
    (r"decoder\.up_blocks\.1", "decoder.ups.3"),
    (r"decoder\.up_blocks\.0", "decoder.ups.1"),
    (r"decoder\.mid_block", "decoder.ups.0"),
    (r"encoder\.down_blocks\.0\.downsamplers\.0", "encoder.downs.1"),
    (r"encoder\.down_blocks\.1\.downsamplers\.0", "encoder.downs.4"),
    (r"encoder\.down_blocks\.2\.downsamplers\.0", "encoder.downs.7"),
    (r"encoder\.down_blocks\.3", "encoder.downs.8"),
    (r"encoder\.down_blocks\.2", "encoder.downs.6"),
    (r"encoder\.down_blocks\.1", "encoder.downs.3"),
    (r"encoder\.down_blocks\.0", "encoder.downs.0"),
    (r"encoder\.mid_block", "encoder.downs.9"),
    (r"\.(up|down)s\.", r".\1_blocks."),
    (r"\.resnets\.", ".res_blocks."),
    (r"^latents_mean", "per_channel_statistics.mean-of-means"),
    (r"^latents_std", "per_channel_statistics.std-of-means"),
    (r"^", "vae."),
)
RESNET = (
    (r"\.norm1\.", ".in_layers.0."),
    (r"\.conv1\.", ".in_layers.2."),
    (r"\.time_emb_proj\.", ".emb_layers.1."),
    (r"\.norm2\.", ".out_layers.0."),
    (r"\.conv2\.", ".out_layers.3."),
    (r"\.conv_shortcut\.", ".skip_connection."),
)
UNET = (  # of two blocks, the first with attention, one layer each
    *((rf"(resnets\.\d+){old}", rf"\1{new}") for old, new in RESNET),
    (r"^down_blocks\.0\.resnets\.0", "input_blocks.1.0"),
    (r"^down_blocks\.0\.attentions\.0", "input_blocks.1.1"),
    (r"^down_blocks\.0\.downsamplers\.0\.conv", "input_blocks.2.0.op"),
    (r"^down_blocks\.1\.resnets\.0", "input_blocks.3.0"),
    (r"^mid_block\.resnets\.0", "middle_block.0"),
    (r"^mid_block\.attentions\.0", "middle_block.1"),
    (r"^mid_block\.resnets\.1", "middle_block.2"),
    (r"^up_blocks\.0\.upsamplers\.0\.conv", "output_blocks.1.2.conv"),
    (r"^up_blocks\.0\.resnets\.(\d)", r"output_blocks.\1.0"),
    (r"^up_blocks\.0\.attentions\.(\d)", r"output_blocks.\1.1"),
    (r"^up_blocks\.1\.resnets\.0", "output_blocks.2.0"),
    (r"^up_blocks\.1\.resnets\.1", "output_blocks.3.0"),
    (r"^time_embedding\.linear_1", "time_embed.0"),
    (r"^time_embedding\.linear_2", "time_embed.2"),
    (r"^conv_in", "input_blocks.0.0"),
    (r"^conv_norm_out", "out.0"),
    (r"^conv_out", "out.2"),
    (r"^", "model.diffusion_model."),
)
PICTURE_VAE = (  # of two blocks
    (r"attentions\.0\.group_norm", "attn_1.norm"),
    (r"attentions\.0\.to_([qkv])", r"attn_1.\1"),
    (r"attentions\.0\.to_out\.0", "attn_1.proj_out"),
    (r"mid_block\.resnets\.0", "mid.block_1"),
    (r"mid_block\.resnets\.1", "mid.block_2"),
    (r"mid_block", "mid"),
    (r"decoder\.up_blocks\.0", "decoder.ups.1"),
    (r"decoder\.up_blocks\.1", "decoder.ups.0"),
    (r"ups\.", "up."),
    (r"down_blocks", "down"),
    (r"resnets", "block"),
    (r"(up|down)samplers\.0", r"\1sample"),
    (r"conv_shortcut", "nin_shortcut"),
    (r"conv_norm_out", "norm_out"),
    (r"^", "first_stage_model."),
)
WAN_RESIDUAL = (
    (r"\.norm1\.gamma$", ".residual.0.gamma"),
    (r"\.conv1\.(weight|bias)$", r".residual.2.\1"),
    (r"\.norm2\.gamma$", ".residual.3.gamma"),
    (r"\.conv2\.(weight|bias)$", r".residual.6.\1"),
    (r"\.conv_shortcut\.", ".shortcut."),
)
WAN_VAE = (  # of four levels, two layers each: the decoder has three resnets a level, and all but the last an upsampler
    *WAN_RESIDUAL,
    *((rf"up_blocks\.{n}\.resnets\.{m}\.", f"upsamples.{4 * n + m}.") for n in range(4) for m in range(3)),
    *((rf"up_blocks\.{n}\.upsamplers\.0\.", f"upsamples.{4 * n + 3}.") for n in range(3)),
    (r"down_blocks\.", "downsamples."),
    (r"mid_block\.resnets\.0", "middle.0"),
    (r"mid_block\.attentions\.0", "middle.1"),
    (r"mid_block\.resnets\.1", "middle.2"),
    (r"norm_out\.", "head.0."),
    (r"conv_out\.", "head.2."),
    (r"coder\.conv_in\.", "coder.conv1."),
    (r"^post_quant_conv", "conv2"),
    (r"^quant_conv", "conv1"),
)
CLIP_TEXT = ((r"^(?!text_model)", "text_model."), (r"^", "cond_stage_model.transformer."))
MOTION = (
    (r"\.transformer_blocks\.(\d)\.norm1", r".transformer_blocks.\1.norms.0"),
    (r"\.transformer_blocks\.(\d)\.norm2", r".transformer_blocks.\1.norms.1"),
    (r"\.transformer_blocks\.(\d)\.norm3", r".transformer_blocks.\1.ff_norm"),
    (r"\.attn1\.", ".attention_blocks.0."),
    (r"\.attn2\.", ".attention_blocks.1."),
    (r"(motion_modules\.\d)\.", r"\1.temporal_transformer."),
)


def weights(folder: Path) -> dict[str, Tensor]:
    """What a component's folder holds."""
    return {name: tensor for file in folder.glob("*.safetensors") for name, tensor in load_file(file).items()}


def renamed(tensors: Mapping[str, Tensor], renames: Renames) -> dict[str, Tensor]:
    """One after the other, as the tables are ordered. Tables of sines are left out, as in published files."""
    done = {}
    for name, tensor in tensors.items():
        if name.endswith("pos_embed.pe"):
            continue
        for old, new in renames:
            name = re.sub(old, new, name)
        # their autoencoder's attention is a convolution of one pixel
        is_pixelwise = name.startswith("first_stage_model") and "attn_1" in name and tensor.ndim == 2
        done[name] = tensor[..., None, None] if is_pixelwise else tensor
    return done


def save(tensors: Mapping[str, Tensor], file: Path) -> Path:
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, file)
    return file
