"""The Wan networks as vidgen uses them: the base transformer inside a VACE one, and an autoencoder that streams.

Latents here are the autoencoder's own, normalised by its `latents_mean` and `latents_std`:
`[batch, z, 1 + (frames - 1) / 4, height / 8, width / 8]`. Pixels are `[batch, 3, frames, height, width]` in -1..1.
"""

import inspect
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import torch
from diffusers import AutoencoderKLWan, WanTransformer3DModel, WanVACETransformer3DModel
from einops import rearrange
from torch import Tensor

from vidgen_models.nets.held_weights import HELD

TEMPORAL_GROUP = 4
DECODE_GROUP = 4
"""Latent frames decoded at once after the first: larger calls run faster, memory stays that of one group."""


def base_transformer(vace: WanVACETransformer3DModel) -> WanTransformer3DModel:
    """The text-to-video network inside a VACE network, sharing its weights: no copy, and none of VACE's cost."""
    accepted = inspect.signature(WanTransformer3DModel.__init__).parameters
    config = {key: value for key, value in vace.config.items() if key in accepted}
    with torch.device("meta"):
        base = WanTransformer3DModel(**config)
    names = {name for name, _ in base.named_modules()}
    for name, layer in vace.named_modules():
        if isinstance(layer, HELD) and name in names:
            base.set_submodule(name, layer)
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


def encode_stream(vae: AutoencoderKLWan, pixels: Iterable[Tensor]) -> Iterator[Tensor]:
    """Pixels in pieces of any length (4k+1 frames in all) to normalised latents, one latent frame at a time.

    Joined they are what `encode` gives for the whole clip; memory is that of one group.
    """
    mean, std = latent_statistics(vae)
    cache = _take_cache(vae, "_enc_feat_map")
    for group in _regroup(pixels, TEMPORAL_GROUP):
        hidden = vae.quant_conv(vae.encoder(group.to(vae.device, vae.dtype), feat_cache=cache, feat_idx=[0]))
        yield (hidden[:, : mean.shape[1]].float() - mean) / std


@dataclass(slots=True, eq=False)
class Decoded:
    """What a decoder remembers of the latents it was given: its causal caches, which it replaces and never changes."""

    caches: list[Tensor | None]
    begun: bool = False

    @classmethod
    def nothing(cls, vae: AutoencoderKLWan) -> "Decoded":
        return cls(_take_cache(vae, "_feat_map"))

    def branched(self) -> "Decoded":
        """The same once more: the stream can be gone on with in two ways."""
        return replace(self, caches=list(self.caches))


def decode_stream(
    vae: AutoencoderKLWan,
    latents: Tensor | Iterable[Tensor],
    group: int = DECODE_GROUP,
    before: Decoded | None = None,
) -> Iterator[Tensor]:
    """Normalised latents to pixels in order of time: one frame, then `4 * group` at once, the last time four more.

    Latents may come in pieces of any length. The causal caches are carried from group to group and are this stream's
    own, so the joined result is that of `vae.decode`, while memory does not grow with the length of the clip. The
    stream goes on from `before`, which then holds these latents, too.
    """
    mean, std = latent_statistics(vae)
    held = before or Decoded.nothing(vae)
    pieces = [latents] if isinstance(latents, Tensor) else latents
    for piece in _regroup(pieces, group, opens=not held.begun):
        hidden = vae.post_quant_conv((piece.to(vae.device) * std + mean).to(vae.dtype))
        pixels = vae.decoder(hidden, feat_cache=held.caches, feat_idx=[0], first_chunk=not held.begun)
        held.begun = True
        yield _unpatched(pixels, vae.config.patch_size).float().clamp(-1.0, 1.0)


def _unpatched(pixels: Tensor, patch: int | None) -> Tensor:
    """The autoencoder of Wan 2.2's small model packs squares of pixels into channels, columns before rows."""
    if patch is None:
        return pixels
    opened: Tensor = rearrange(pixels, "b (c q p) t h w -> b c t (h p) (w q)", p=patch, q=patch)
    return opened


def _take_cache(vae: AutoencoderKLWan, name: str) -> list[Tensor | None]:
    """An empty causal cache that the autoencoder itself knows nothing of, so that two streams never mix."""
    vae.clear_cache()
    cache: list[Tensor | None] = getattr(vae, name)
    vae.clear_cache()
    return cache


def _regroup(pieces: Iterable[Tensor], group: int, *, opens: bool = True) -> Iterator[Tensor]:
    """The same frames (dimension 2) in other pieces: one frame where they open a stream, then `group` at a time, then
    what is left.

    No frame but the first is left alone, unless all are: the last piece may have one more. Of a single frame
    convolutions add in another order, and a clip that was decoded so would differ from the same clip gone on with.
    """
    held: list[Tensor] = []
    later = group, 0 if group == 1 else 2
    wanted, spare = (1, 0) if opens else later
    for piece in pieces:
        held.append(piece)
        while sum(part.shape[2] for part in held) >= wanted + spare:
            joined = torch.cat(held, 2)
            yield joined[:, :, :wanted]
            held, (wanted, spare) = [joined[:, :, wanted:]], later
    rest = torch.cat(held, 2) if held else None
    if rest is not None and rest.shape[2] > 0:
        yield rest
