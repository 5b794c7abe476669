"""Where the finished pieces of a long run are kept, so that no piece is made twice.

A chunk is a few named tensors with a fingerprint: the hash of everything that determines it. A store gives a chunk
back only under the fingerprint it was committed with. It knows nothing of videos, and loads torch only when a chunk
is written or read.
"""

import hashlib
import json
import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from torch import Tensor

PART_SUFFIX = ".part"
# several keys would come out in a random order, and the file's hash with them
METADATA_KEY = "chunk"
SEAL = "clip.json"
NOTHING: Mapping[str, Any] = {}


class ChunkStore(Protocol):
    """Keeps chunks by number. A chunk that was committed is given back bit by bit, or not at all."""

    def load(self, n: int, fingerprint: str) -> "dict[str, Tensor] | None":
        """Chunk `n` (from 0) as it was committed under `fingerprint`, on the CPU; None when there is none."""
        ...

    def commit(
        self,
        n: int,
        fingerprint: str,
        tensors: "Mapping[str, Tensor]",
        *,
        seed: int,
        about: Mapping[str, Any] = NOTHING,
    ) -> None:
        """Keep chunk `n`; it replaces an older chunk of that number. `seed` and `about` (JSON) are recorded with it."""
        ...

    def seal(self, contents: Mapping[str, Any]) -> None:
        """Keep what the finished clip is made of (JSON), in place of what was sealed before."""
        ...

    def show(self, n: int, jpeg: bytes) -> None:
        """Keep a picture of chunk `n`; it may be lost."""
        ...


@dataclass(frozen=True, slots=True)
class CommittedChunk:
    """What was just written: `key` is the file's name in the store's folder, `sha256` and `size` those of the file.

    `about` says what it is a chunk of: its place in the clip, its prompt.
    """

    n: int
    fingerprint: str
    seed: int
    sha256: str
    key: str
    size: int = 0
    about: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class StoredChunk:
    """A chunk as its file holds it."""

    n: int
    fingerprint: str
    seed: int
    about: Mapping[str, Any]
    tensors: "Mapping[str, Tensor]"
    size: int


class MemoryChunkStore:
    """Chunks for the life of one run: what short clips and tests need."""

    def __init__(self) -> None:
        self._chunks: dict[int, tuple[str, dict[str, Tensor]]] = {}

    def load(self, n: int, fingerprint: str) -> "dict[str, Tensor] | None":
        kept, tensors = self._chunks.get(n, ("", {}))
        return dict(tensors) if kept == fingerprint else None

    def commit(
        self,
        n: int,
        fingerprint: str,
        tensors: "Mapping[str, Tensor]",
        *,
        seed: int,  # noqa: ARG002
        about: Mapping[str, Any] = NOTHING,  # noqa: ARG002
    ) -> None:
        self._chunks[n] = (fingerprint, {name: tensor.detach().cpu().clone() for name, tensor in tensors.items()})

    def seal(self, contents: Mapping[str, Any]) -> None:
        """Nobody can go on from a store that ends with its run."""

    def show(self, n: int, jpeg: bytes) -> None:
        """Nobody looks."""


def _ignore(chunk: CommittedChunk) -> None:
    """Nobody listens."""


class FolderChunkStore:
    """Chunks as safetensors files in `folder`, written so that a power cut leaves either the whole chunk or none.

    A file's name holds the hash of its content, so the one rename commits both. `on_commit` is called once for each
    chunk: when it is safe on disk, or when it is found there, because the process that wrote it may have died before
    it could tell. One process writes to a folder at a time.
    """

    def __init__(self, folder: Path, on_commit: Callable[[CommittedChunk], None] = _ignore) -> None:
        self._folder, self._on_commit, self._told = folder, on_commit, set[str]()
        folder.mkdir(parents=True, exist_ok=True)
        for part in folder.glob(f"*{PART_SUFFIX}"):
            part.unlink(missing_ok=True)

    def load(self, n: int, fingerprint: str) -> "dict[str, Tensor] | None":
        """A file that is damaged, or of another fingerprint, is removed."""
        found = None
        for file in self._files(n):
            read = read_chunk(file)
            if read is None or (read.n, read.fingerprint) != (n, fingerprint):
                file.unlink(missing_ok=True)
                continue
            found = dict(read.tensors)
            self._tell(CommittedChunk(n, fingerprint, read.seed, _hash_in_name(file), file.name, read.size, read.about))
        return found

    def commit(
        self,
        n: int,
        fingerprint: str,
        tensors: "Mapping[str, Tensor]",
        *,
        seed: int,
        about: Mapping[str, Any] = NOTHING,
    ) -> None:
        """Raises OSError when the disk is full; the store is then as it was before."""
        from safetensors.torch import save

        described = json.dumps({"n": n, "fingerprint": fingerprint, "seed": seed, "about": about}, sort_keys=True)
        plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
        content = save(plain, {METADATA_KEY: described})
        sha256 = hashlib.sha256(content).hexdigest()
        target = self._folder / f"{n:05d}-{sha256}.safetensors"
        older = [file for file in self._files(n) if file != target]
        _write_durably(content, target)
        for file in older:
            file.unlink(missing_ok=True)
        self._tell(CommittedChunk(n, fingerprint, seed, sha256, target.name, len(content), about))

    def seal(self, contents: Mapping[str, Any]) -> None:
        _write_durably(json.dumps(contents, sort_keys=True).encode(), self._folder / SEAL)

    def show(self, n: int, jpeg: bytes) -> None:
        part = self._folder / f"{n:05d}-{secrets.token_hex(8)}{PART_SUFFIX}"
        part.write_bytes(jpeg)
        part.replace(self._folder / picture_name(n))

    def _tell(self, chunk: CommittedChunk) -> None:
        if chunk.key not in self._told:
            self._on_commit(chunk)
            self._told.add(chunk.key)

    def _files(self, n: int) -> list[Path]:
        return chunk_files(self._folder, n)


def picture_name(n: int) -> str:
    """The file of a chunk's picture in a store's folder."""
    return f"{n:05d}.jpg"


def sealed(folder: Path) -> Mapping[str, Any] | None:
    """What the finished clip of a store's folder is made of; None when none was finished there."""
    try:
        contents: Mapping[str, Any] = json.loads((folder / SEAL).read_bytes())
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    return contents


def chunk_files(folder: Path, n: int) -> list[Path]:
    """The files of chunk `n` in a store's folder: one, as long as nobody puts others there."""
    return sorted(folder.glob(f"{n:05d}-*.safetensors"))


def read_chunk(file: Path) -> StoredChunk | None:
    """What a file of a store's folder holds; None when it is not what its name says, or is gone."""
    from safetensors import safe_open
    from safetensors.torch import load

    try:
        content = file.read_bytes()
    except FileNotFoundError:
        return None
    if hashlib.sha256(content).hexdigest() != _hash_in_name(file):
        return None
    with safe_open(file, framework="pt") as opened:
        described = json.loads(opened.metadata()[METADATA_KEY])
    # chunks of earlier versions say nothing about themselves
    about = described.get("about", {})
    return StoredChunk(described["n"], described["fingerprint"], described["seed"], about, load(content), len(content))


def _hash_in_name(file: Path) -> str:
    return file.stem.partition("-")[2]


def _write_durably(content: bytes, target: Path) -> None:
    # the disk is the operator's: a folder that was cleared away must not cost a run that is under way
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.stem[:5]}-{secrets.token_hex(8)}{PART_SUFFIX}")
    try:
        with part.open("xb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    _sync_folder(target.parent)


def _sync_folder(folder: Path) -> None:
    # without it a power cut may forget the rename, though not the bytes
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
