"""The Wan networks as vidgen uses them: the base transformer inside a VACE one, and an autoencoder that streams.

Latents here are the autoencoder's own, normalised by its `latents_mean` and `latents_std`:
`[batch, z, 1 + (frames - 1) / 4, height / 8, width / 8]`. Pixels are `[batch, 3, frames, height, width]` in -1..1.
"""

import inspect
from collections.abc import Iterator

import torch
from diffusers import AutoencoderKLWan, WanTransformer3DModel, WanVACETransformer3DModel
from torch import Tensor

TEMPORAL_GROUP = 4
DECODE_GROUP = 4
"""Latent frames decoded at once after the first: larger calls run faster, memory stays that of one group."""


def base_transformer(vace: WanVACETransformer3DModel) -> WanTransformer3DModel:
    """The text-to-video network inside a VACE network, sharing its weights: no copy, and none of VACE's cost."""
    accepted = inspect.signature(WanTransformer3DModel.__init__).parameters
    config = {key: value for key, value in vace.config.items() if key in accepted}
    with torch.device("meta"):
        base = WanTransformer3DModel(**config)
    base.load_state_dict(vace.state_dict(), strict=False, assign=True)
    base.rope = vace.rope  # its tables are buffers that a state dict does not hold
    return base.eval().requires_grad_(False)


def latent_statistics(vae: AutoencoderKLWan) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation per latent channel, `[1, z, 1, 1, 1]`."""
    shape = (1, vae.config.z_dim, 1, 1, 1)
    options = {"device": vae.device, "dtype": torch.float32}
    return (
        torch.tensor(vae.config.latents_mean, **options).view(shape),
        torch.tensor(vae.config.latents_std, **options).view(shape),
    )


def encode(vae: AutoencoderKLWan, pixels: Tensor) -> Tensor:
    """Pixels to normalised latents (the posterior's mode)."""
    mean, std = latent_statistics(vae)
    latents: Tensor = vae.encode(pixels.to(vae.dtype)).latent_dist.mode()
    return (latents.float() - mean) / std


def decode_stream(vae: AutoencoderKLWan, latents: Tensor, group: int = DECODE_GROUP) -> Iterator[Tensor]:
    """Normalised latents to pixels in order of time: first one frame, then at most `4 * group` frames at once.

    The causal caches are carried from group to group, so the joined result is that of `vae.decode`, while memory does
    not grow with the length of the clip.
    """
    mean, std = latent_statistics(vae)
    frames = latents.shape[2]
    vae.clear_cache()
    try:
        for start, stop in _groups(frames, group):
            hidden = vae.post_quant_conv((latents[:, :, start:stop] * std + mean).to(vae.dtype))
            vae._conv_idx = [0]
            pixels = vae.decoder(hidden, feat_cache=vae._feat_map, feat_idx=vae._conv_idx, first_chunk=start == 0)
            yield pixels.float().clamp(-1.0, 1.0)
    finally:
        vae.clear_cache()


def _groups(frames: int, group: int) -> Iterator[tuple[int, int]]:
    yield 0, 1
    for start in range(1, frames, group):
        yield start, min(start + group, frames)
