"""CogVideoX's autoencoder as a stream: its causal caches are carried from group to group."""

from collections.abc import Iterator
from itertools import pairwise

from diffusers import AutoencoderKLCogVideoX
from torch import Tensor


def decode_stream(vae: AutoencoderKLCogVideoX, latents: Tensor) -> Iterator[Tensor]:
    """Scaled latents `[1, z, latent_frames, h, w]` to pixels in -1..1, group by group; memory is that of one group.

    The groups are those of the network's own decoding, which matter to its numbers: the first takes what is left over.
    """
    group, count = vae.num_latent_frames_batch_size, latents.shape[2]
    first = count if count < group else group + count % group
    bounds = [0, *range(first, count + 1, group)]
    cache = None
    for start, end in pairwise(bounds):
        piece = (latents[:, :, start:end] / vae.config.scaling_factor).to(vae.device, vae.dtype)
        if vae.post_quant_conv is not None:
            piece = vae.post_quant_conv(piece)
        pixels, cache = vae.decoder(piece, conv_cache=cache)
        yield pixels.float().clamp(-1.0, 1.0)
