"""Chunks on disk: given back bit by bit or not at all, whatever happened to the file or to the process."""

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from vidgen.runtime.chunks import CommittedChunk, FolderChunkStore, MemoryChunkStore
from vidgen.runtime.context import RunContext

LATENTS = {"latents": torch.randn(1, 4, 3, 2, 2, generator=torch.Generator().manual_seed(0))}


@pytest.fixture(params=["memory", "folder"])
def store(request, tmp_path):
    return MemoryChunkStore() if request.param == "memory" else FolderChunkStore(tmp_path / "chunks")


def only_file(folder: Path) -> Path:
    (file,) = folder.iterdir()
    return file


def test_a_chunk_comes_back_bit_by_bit_under_its_fingerprint_alone(store):
    store.commit(3, "aa", LATENTS, seed=7)
    loaded = store.load(3, "aa")
    assert loaded is not None
    assert torch.equal(loaded["latents"], LATENTS["latents"])
    assert store.load(2, "aa") is None
    assert store.load(3, "bb") is None


def test_a_folder_that_was_cleared_away_is_made_again(tmp_path):
    """Fails when only the constructor makes the folder: tried."""
    store = FolderChunkStore(tmp_path / "chunks")
    (tmp_path / "chunks").rmdir()
    store.commit(0, "aa", LATENTS, seed=7)
    assert store.load(0, "aa") is not None


def test_a_later_commit_replaces_an_earlier_one(store):
    store.commit(0, "aa", LATENTS, seed=7)
    store.commit(0, "bb", {"latents": LATENTS["latents"] + 1}, seed=8)
    assert store.load(0, "aa") is None
    store.commit(0, "bb", {"latents": LATENTS["latents"] + 1}, seed=8)
    assert torch.equal(store.load(0, "bb")["latents"], LATENTS["latents"] + 1)


def test_memory_keeps_a_copy_of_its_own(store):
    mine = {"latents": LATENTS["latents"].clone()}
    store.commit(0, "aa", mine, seed=7)
    mine["latents"].zero_()
    assert torch.equal(store.load(0, "aa")["latents"], LATENTS["latents"])


def test_every_run_has_a_store_of_its_own():
    RunContext().chunks.commit(0, "aa", LATENTS, seed=1)
    assert RunContext().chunks.load(0, "aa") is None


def test_a_new_process_finds_the_chunks_of_the_old_one(tmp_path):
    FolderChunkStore(tmp_path).commit(0, "aa", LATENTS, seed=7)
    assert torch.equal(FolderChunkStore(tmp_path).load(0, "aa")["latents"], LATENTS["latents"])


def test_the_same_chunk_is_the_same_file(tmp_path):
    for name in ("a", "b"):
        FolderChunkStore(tmp_path / name).commit(0, "aa", {**LATENTS, "other": torch.ones(2)}, seed=7)
    assert only_file(tmp_path / "a").name == only_file(tmp_path / "b").name
    assert only_file(tmp_path / "a").read_bytes() == only_file(tmp_path / "b").read_bytes()


@pytest.mark.parametrize("damage", ["flipped bit", "cut short", "empty"])
def test_a_damaged_file_is_discarded(tmp_path, damage):
    """Fails when the hash is not compared: tried."""
    store = FolderChunkStore(tmp_path)
    store.commit(0, "aa", LATENTS, seed=7)
    file = only_file(tmp_path)
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes({"flipped bit": content, "cut short": content[:-4], "empty": b""}[damage])
    assert store.load(0, "aa") is None
    assert list(tmp_path.iterdir()) == []


def test_a_chunk_of_another_fingerprint_is_discarded(tmp_path):
    store = FolderChunkStore(tmp_path)
    store.commit(0, "aa", LATENTS, seed=7)
    assert store.load(0, "bb") is None
    assert list(tmp_path.iterdir()) == []


def test_a_chunk_put_under_another_number_is_discarded(tmp_path):
    store = FolderChunkStore(tmp_path)
    store.commit(0, "aa", LATENTS, seed=7)
    file = only_file(tmp_path)
    file.rename(file.with_name(file.name.replace("00000-", "00001-")))
    assert store.load(1, "aa") is None


def test_what_a_killed_process_left_half_written_is_never_read(tmp_path):
    """Fails when the file is written under its own name: tried."""
    script = f"""
import os, torch
from pathlib import Path
from vidgen.runtime import chunks
os.fsync = lambda descriptor: os._exit(9)
chunks.FolderChunkStore(Path({str(tmp_path)!r})).commit(0, "aa", {{"latents": torch.ones(4)}}, seed=7)
"""
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 9
    assert only_file(tmp_path).suffix == ".part"
    assert FolderChunkStore(tmp_path).load(0, "aa") is None
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_the_older_chunk(tmp_path, monkeypatch):
    store = FolderChunkStore(tmp_path)
    store.commit(0, "aa", LATENTS, seed=7)

    def full(_descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space left"):
            store.commit(0, "bb", LATENTS, seed=8)
    assert torch.equal(store.load(0, "aa")["latents"], LATENTS["latents"])


def test_each_chunk_is_told_of_once_and_only_when_it_is_safe(tmp_path):
    told: list[CommittedChunk] = []

    def listen(chunk: CommittedChunk) -> None:
        assert (tmp_path / chunk.key).is_file()
        told.append(chunk)

    store = FolderChunkStore(tmp_path, listen)
    store.commit(0, "aa", LATENTS, seed=7)
    store.load(0, "aa")
    file = only_file(tmp_path)
    assert told == [CommittedChunk(0, "aa", 7, file.stem.split("-")[1], file.name, file.stat().st_size)]


def test_a_chunk_found_on_disk_is_told_of(tmp_path):
    """A process may die between writing a chunk and saying so. Fails when load is silent: tried."""
    FolderChunkStore(tmp_path).commit(0, "aa", LATENTS, seed=7)
    told: list[CommittedChunk] = []
    FolderChunkStore(tmp_path, told.append).load(0, "aa")
    assert [(chunk.n, chunk.fingerprint, chunk.seed) for chunk in told] == [(0, "aa", 7)]


def test_the_context_needs_no_torch():
    script = "import json, sys, vidgen.runtime.context; print(json.dumps('torch' in sys.modules))"
    printed = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout
    assert json.loads(printed) is False


def test_a_foreign_safetensors_file_is_discarded(tmp_path):
    save_file(LATENTS, tmp_path / f"00000-{'0' * 64}.safetensors")
    assert FolderChunkStore(tmp_path).load(0, "aa") is None
