"""Chunks of another run, which this one may take over where they fit, so that nothing is made twice."""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vidgen.runtime.chunks import NOTHING, ChunkStore, chunk_files, picture_name, read_chunk

if TYPE_CHECKING:
    from torch import Tensor


class LendingChunkStore:
    """A store of its own that looks into the `lender`, a folder of another store, for what it does not have.

    What fits is copied, so that this run no longer needs the other one. The lender is never written to, and may
    vanish at any time.
    """

    def __init__(self, own: ChunkStore, lender: Path) -> None:
        self._own, self._lender = own, lender

    def load(self, n: int, fingerprint: str) -> "dict[str, Tensor] | None":
        found = self._own.load(n, fingerprint)
        return self._borrow(n, fingerprint) if found is None else found

    def commit(
        self,
        n: int,
        fingerprint: str,
        tensors: "Mapping[str, Tensor]",
        *,
        seed: int,
        about: Mapping[str, Any] = NOTHING,
    ) -> None:
        self._own.commit(n, fingerprint, tensors, seed=seed, about=about)

    def seal(self, contents: Mapping[str, Any]) -> None:
        self._own.seal(contents)

    def show(self, n: int, jpeg: bytes) -> None:
        self._own.show(n, jpeg)

    def _borrow(self, n: int, fingerprint: str) -> "dict[str, Tensor] | None":
        for file in chunk_files(self._lender, n):
            lent = read_chunk(file)
            if lent is not None and (lent.n, lent.fingerprint) == (n, fingerprint):
                self._own.commit(n, fingerprint, lent.tensors, seed=lent.seed, about=lent.about)
                with suppress(FileNotFoundError):
                    self._own.show(n, (self._lender / picture_name(n)).read_bytes())
                return dict(lent.tensors)
        return None
