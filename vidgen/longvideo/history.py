"""The latents of a finished clip, as another run goes on from them: taken over piece by piece, never decoded between.

What is taken over lies in the new run's own store from then on, so that the run comes out the same although the other
one be deleted meanwhile.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vidgen.errors import VidgenError
from vidgen.longvideo.fingerprint import fingerprint
from vidgen.longvideo.planner import GROUP
from vidgen.runtime.chunks import ChunkStore, chunk_files, read_chunk, sealed

FIRST = 50000
"""Numbers from here on are pieces of history, far beyond those of any clip's own chunks."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Latent frames `start` to `stop` of a chunk in the store."""

    number: int
    fingerprint: str
    start: int
    stop: int

    @property
    def length(self) -> int:
        return self.stop - self.start


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """The pieces of each shot, in order; the last shot is gone on with."""

    store: ChunkStore
    shots: Sequence[Sequence[Piece]]

    @property
    def length(self) -> int:
        """Latent frames of the last shot."""
        return sum(piece.length for piece in self.shots[-1])

    @property
    def frames(self) -> int:
        """Frames of all shots."""
        return sum(GROUP * (sum(piece.length for piece in shot) - 1) + 1 for shot in self.shots)

    def streams(self) -> Iterator[Iterator[Tensor]]:
        """The latents of each shot, piece by piece."""
        for shot in self.shots:
            yield map(self._latents, shot)

    def last(self, count: int) -> Tensor:
        """The last `count` latent frames, or all that there are."""
        held, found = list[Tensor](), 0
        for piece in reversed(self.shots[-1]):
            held.insert(0, self._latents(piece))
            found += piece.length
            if found >= count:
                break
        return torch.cat(held, 2)[:, :, -count:]

    def _latents(self, piece: Piece) -> Tensor:
        """Raises VidgenError (chunk_lost, retryable) when the store no longer has them."""
        found = self.store.load(piece.number, piece.fingerprint)
        if found is None:
            raise VidgenError("a part of the clip that is extended was damaged", code="chunk_lost", retryable=True)
        return found["latents"][:, :, piece.start : piece.stop]


def taken_over(store: ChunkStore, lender: Path | None, model: str, name: str, frames: int) -> History | None:
    """The first `frames` frames of the lender's clip as latents in `store`; None when there is no such thing.

    `name` says which clip that is, so that a later run finds what an earlier one took over. It must have been made
    with the model of that fingerprint, and be one stream of latents for each shot.
    """
    ours = fingerprint(history=name, frames=frames, model=model)
    found = store.load(FIRST, ours)
    if found is not None:
        return History(store, _unpacked(found["shots"], ours))
    seal = None if lender is None else sealed(lender)
    if lender is None or seal is None or seal["model"] != model:
        return None
    shots = _cut(_pieces(seal), frames)
    if shots is None or not _copied(store, lender, [piece for shot in shots for piece in shot], ours):
        return None
    packed = _packed(shots)
    store.commit(FIRST, ours, {"shots": packed}, seed=0, about={"history": name})
    return History(store, _unpacked(packed, ours))


def _pieces(seal: Mapping[str, Any]) -> list[list[Piece]]:
    return [[Piece(*piece) for piece in shot] for shot in seal["shots"]]


def _cut(shots: Sequence[Sequence[Piece]], frames: int) -> list[list[Piece]] | None:
    """The beginning that shows exactly `frames` frames; None when no latent frame ends there."""
    kept: list[list[Piece]] = []
    for shot in shots:
        if frames <= 0:
            break
        if (frames - 1) % GROUP and frames < 1 + GROUP * (sum(piece.length for piece in shot) - 1):
            return None
        left, line = (frames - 1) // GROUP + 1, list[Piece]()
        for piece in shot:
            length = min(piece.length, left)
            if length:
                line.append(Piece(piece.number, piece.fingerprint, piece.start, piece.start + length))
            left -= length
        kept.append(line)
        frames -= 1 + GROUP * (sum(piece.length for piece in line) - 1)
    return kept if frames == 0 else None


def _copied(store: ChunkStore, lender: Path, pieces: Sequence[Piece], ours: str) -> bool:
    """Whether all pieces are in the store now."""
    for n, piece in enumerate(pieces, FIRST + 1):
        files = (read_chunk(file) for file in chunk_files(lender, piece.number))
        lent = next((it for it in files if it is not None and it.fingerprint == piece.fingerprint), None)
        if lent is None:
            return False
        latents = lent.tensors["latents"][:, :, piece.start : piece.stop]
        store.commit(n, ours, {"latents": latents}, seed=lent.seed, about={"history": n})
    return True


def _packed(shots: Sequence[Sequence[Piece]]) -> Tensor:
    """Shot and length of every piece."""
    return torch.tensor([[number, piece.length] for number, shot in enumerate(shots) for piece in shot])


def _unpacked(packed: Tensor, ours: str) -> list[list[Piece]]:
    shots: list[list[Piece]] = [[] for _ in range(int(packed[-1, 0]) + 1)]
    for n, (shot, length) in enumerate(packed.tolist(), FIRST + 1):
        shots[shot].append(Piece(n, ours, 0, length))
    return shots
