"""Decoding in time tiles that overlap, for autoencoders whose decoder looks both ways: memory is that of one tile."""

from collections.abc import Callable, Iterable, Iterator

import torch
from torch import Tensor


def in_tiles(
    pieces: Iterable[Tensor], decode: Callable[[Tensor, int], Tensor], *, tile: int, overlap: int, group: int
) -> Iterator[Tensor]:
    """Latents `[1, z, frames, h, w]` that come in pieces, to pixels in order of time.

    `decode` gets at most `tile` latent frames and how many of the stream come before them; it gives one frame for the
    first and `group` for each other. Where two tiles share `overlap` latent frames, the earlier gives way to the later.
    """
    held, first, ending = list[Tensor](), 0, None
    shared = group * (overlap - 1) + 1
    for piece in pieces:
        held.append(piece)
        while sum(part.shape[2] for part in held) > tile:
            latents = torch.cat(held, 2)
            pixels = _laid_over(ending, decode(latents[:, :, :tile], first))
            yield pixels[:, :, :-shared]
            held, ending = [latents[:, :, tile - overlap :]], pixels[:, :, -shared:]
            first += tile - overlap
    yield _laid_over(ending, decode(torch.cat(held, 2), first))


def _laid_over(ending: Tensor | None, pixels: Tensor) -> Tensor:
    """The tile's pixels, blended in from the end of the tile before."""
    if ending is None:
        return pixels
    count = ending.shape[2]
    weights = torch.linspace(0, 1, count).view(1, 1, -1, 1, 1).to(pixels)
    mixed = torch.lerp(ending, pixels[:, :, :count], weights)
    return torch.cat([mixed, pixels[:, :, count:]], 2)
