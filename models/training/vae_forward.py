"""Whole-sequence forward of diffusers' AutoencoderKLWan, for training.

The stock `encode` and `decode` walk through a clip in chunks and keep a feature cache: right for memory, slow to train.
Here the same modules see all frames at once, with identical results (tests compare them), and a clip of one frame
runs through 2-d convolutions: for a first frame only the last temporal slice of a causal kernel meets anything but
zeros. Shapes are B C T H W; pixels lie in [-1, 1]. Weights are cast to the dtype of the activations, so bf16 inputs
train in bf16.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from diffusers import AutoencoderKLWan
from diffusers.models.autoencoders.autoencoder_kl_wan import (
    WanAttentionBlock,
    WanCausalConv3d,
    WanMidBlock,
    WanResample,
    WanResidualBlock,
    WanRMS_norm,
)
from torch import Tensor, nn


def encode(vae: AutoencoderKLWan, video: Tensor) -> Tensor:
    """Posterior parameters B 2z 1+(T-1)/4 H/8 W/8 (mean, then log-variance) of `video` with T = 4k+1 frames."""
    x = causal_conv(vae.encoder.conv_in, video)
    for layer in vae.encoder.down_blocks:
        x = residual(layer, x) if isinstance(layer, WanResidualBlock) else downsample(layer, x)
    x = middle(vae.encoder.mid_block, x)
    x = causal_conv(vae.encoder.conv_out, norm_silu(vae.encoder.norm_out, x))
    return causal_conv(vae.quant_conv, x)


def decode(vae: AutoencoderKLWan, latents: Tensor) -> Tensor:
    """Pixels B 3 1+4(t-1) 8h 8w of `latents` with t frames; not clamped, so that gradients reach every pixel."""
    x = causal_conv(vae.decoder.conv_in, causal_conv(vae.post_quant_conv, latents))
    x = middle(vae.decoder.mid_block, x)
    for block in vae.decoder.up_blocks:
        for layer in block.resnets:
            x = residual(layer, x)
        for layer in block.upsamplers or ():
            x = upsample(layer, x)
    return causal_conv(vae.decoder.conv_out, norm_silu(vae.decoder.norm_out, x))


def causal_conv(conv: WanCausalConv3d, x: Tensor) -> Tensor:
    """Convolution that sees the present and the past alone; a single frame takes the cheap 2-d route."""
    weight, bias = conv.weight.to(x.dtype), conv.bias.to(x.dtype)
    space = (conv._padding[2], conv._padding[0])
    past = conv._padding[4]
    if x.shape[2] == 1 and conv.stride[0] == 1:
        flat = F.conv2d(
            x.squeeze(2), weight[:, :, -1].contiguous(memory_format=torch.channels_last), bias, padding=space
        )
        return flat.unsqueeze(2)
    padded = F.pad(x, (0, 0, 0, 0, past, 0)).contiguous(memory_format=torch.channels_last_3d) if past else x
    return F.conv3d(padded, weight, bias, stride=conv.stride, padding=(0, *space))


def rms_norm(norm: WanRMS_norm, x: Tensor) -> Tensor:
    gamma = norm.gamma.to(x.dtype).reshape(-1, *[1] * (x.dim() - 2))
    return x * torch.rsqrt(x.square().mean(1, keepdim=True) + 1e-12) * gamma


def _norm_silu(x: Tensor, gamma: Tensor) -> Tensor:
    return F.silu(x * torch.rsqrt(x.square().mean(1, keepdim=True) + 1e-12) * gamma)


_fastest_norm_silu = _norm_silu


def use_fused_kernels(device: torch.device) -> None:
    """Compiles normalisation and activation into one pass, which takes a tenth of the time on a CPU; elsewhere it was
    not tried, and they stay as they are."""
    global _fastest_norm_silu
    if device.type != "cpu":
        return
    torch._dynamo.config.recompile_limit = 64
    _fastest_norm_silu = torch.compile(_norm_silu, dynamic=False)


def norm_silu(norm: WanRMS_norm, x: Tensor) -> Tensor:
    gamma = norm.gamma.to(x.dtype).reshape(-1, *[1] * (x.dim() - 2))
    return _fastest_norm_silu(x, gamma)


def residual(block: WanResidualBlock, x: Tensor) -> Tensor:
    h = causal_conv(block.conv1, norm_silu(block.norm1, x))
    h = causal_conv(block.conv2, norm_silu(block.norm2, h))
    skip = causal_conv(block.conv_shortcut, x) if isinstance(block.conv_shortcut, WanCausalConv3d) else x
    return h + skip


def middle(block: WanMidBlock, x: Tensor) -> Tensor:
    x = residual(block.resnets[0], x)
    for attention, resnet in zip(block.attentions, block.resnets[1:], strict=True):
        x = residual(resnet, attend(attention, x))
    return x


def attend(block: WanAttentionBlock, x: Tensor) -> Tensor:
    batch, _, _, height, width = x.shape
    flat = _frames_to_batch(x)
    qkv = conv2d(block.to_qkv, rms_norm(block.norm, flat)).flatten(2).transpose(1, 2).unsqueeze(1)
    q, k, v = qkv.chunk(3, dim=-1)
    mixed = F.scaled_dot_product_attention(q, k, v).squeeze(1).transpose(1, 2).unflatten(2, (height, width))
    return x + _batch_to_frames(conv2d(block.proj, mixed), batch)


def conv2d(conv: nn.Conv2d, x: Tensor) -> Tensor:
    return F.conv2d(x, conv.weight.to(x.dtype), conv.bias.to(x.dtype), stride=conv.stride, padding=conv.padding)


def downsample(layer: WanResample, x: Tensor) -> Tensor:
    """Halves the sides; in time, keeps frame 0 and turns every two later frames (and the one before) into one."""
    flat = F.pad(_frames_to_batch(x), (0, 1, 0, 1))
    x = _batch_to_frames(conv2d(layer.resample[1], flat), x.shape[0])
    if layer.mode == "downsample3d" and x.shape[2] > 1:
        x = torch.cat([x[:, :, :1], causal_conv(layer.time_conv, x)], dim=2)
    return x


def upsample(layer: WanResample, x: Tensor) -> Tensor:
    """Doubles the sides; in time, keeps frame 0 and turns every later frame into two."""
    if layer.mode == "upsample3d" and x.shape[2] > 1:
        first, second = causal_conv(layer.time_conv, x[:, :, 1:]).chunk(2, dim=1)
        x = torch.cat([x[:, :, :1], torch.stack([first, second], dim=3).flatten(2, 3)], dim=2)
    flat = F.interpolate(_frames_to_batch(x), scale_factor=2.0, mode="nearest")
    return _batch_to_frames(conv2d(layer.resample[1], flat), x.shape[0])


def _frames_to_batch(x: Tensor) -> Tensor:
    return x.transpose(1, 2).flatten(0, 1)


def _batch_to_frames(x: Tensor, batch: int) -> Tensor:
    return x.unflatten(0, (batch, -1)).transpose(1, 2)
