"""Files on the local disk. Names are made here from ids; nothing a client says ever becomes a path."""

import contextlib
import hashlib
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

SAFE_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,127}")
SUFFIXES = {"image/png": ".png", "image/jpeg": ".jpg", "video/mp4": ".mp4"}
CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Stored:
    """A published file: where it lies in the store, its bytes and their sha256."""

    key: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class DiskUsage:
    """Bytes: of the store's own files, and free on its disk."""

    used: int
    free: int


class LocalStore:
    """`root/artifacts/<job>/<attempt>/<file>`, `uploads/`, `previews/<job>/`, `chunks/<job>/`, and `scratch/`
    for runs in progress."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def artifact_path(self, job_id: str, attempt: int, filename: str) -> Path:
        """The attempt is in the path, so two attempts never write the same file."""
        return self.path(f"artifacts/{_safe(job_id)}/{int(attempt)}/{_safe(filename)}")

    def upload_path(self, upload_id: str, content_type: str = "") -> Path:
        return self.path(f"uploads/{_safe(upload_id)}{SUFFIXES.get(content_type, '')}")

    def preview_path(self, job_id: str, attempt: int) -> Path:
        """The attempt is in the path, so a worker that lost the job cannot write over its successor's pictures."""
        return self.path(f"previews/{_safe(job_id)}/{int(attempt)}.jpg")

    def scratch_path(self, job_id: str, attempt: int) -> Path:
        """Where an attempt's runner writes; on the same disk, so that publishing is a rename."""
        return self.path(f"scratch/{_safe(job_id)}-{int(attempt)}")

    def chunk_folder(self, job_id: str) -> Path:
        """Where a clip's finished parts lie. It outlives attempts, as the next one goes on from there, and the run, as
        retakes and extensions do.
        """
        return self.path(f"chunks/{_safe(job_id)}")

    def chunk_picture(self, job_id: str, n: int) -> Path:
        """Where the last frame of a chunk lies, if one was drawn."""
        return self.chunk_folder(job_id) / f"{n:05d}.jpg"

    def path(self, key: str) -> Path:
        """The file of a stored key. Raises ValueError for a key that is not one of ours."""
        parts = PurePosixPath(key).parts
        if not parts or any(not SAFE_NAME.fullmatch(part) for part in parts):
            raise ValueError("not a key of this store")
        return self.root.joinpath(*parts)

    def key(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix()

    def publish(self, source: Path, target: Path) -> Stored:
        """Move `source` to `target` so that it is there wholly or not at all: hash, fsync, rename, fsync the folder."""
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f".{target.name}.{secrets.token_hex(8)}")
        try:
            shutil.move(source, temporary)
            size, sha256 = _sync_and_hash(temporary)
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)
        _sync_folder(target.parent)
        return Stored(key=self.key(target), size=size, sha256=sha256)

    def replace_preview(self, job_id: str, attempt: int, jpeg: bytes) -> None:
        """Previews may be lost in a crash, so they are renamed into place but not synced."""
        target = self.preview_path(job_id, attempt)
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f".{target.name}.{secrets.token_hex(8)}")
        temporary.write_bytes(jpeg)
        temporary.replace(target)

    def read_preview(self, job_id: str, attempt: int) -> bytes:
        """The attempt's newest picture; that of the one before until it has its own. Raises FileNotFoundError."""
        for earlier in range(attempt, 1, -1):
            with contextlib.suppress(FileNotFoundError):
                return self.preview_path(job_id, earlier).read_bytes()
        return self.preview_path(job_id, 1).read_bytes()

    def open(self, key: str) -> BinaryIO:
        """Raises FileNotFoundError."""
        return self.path(key).open("rb")

    def delete(self, key: str) -> None:
        """Deleting what is gone already is fine."""
        self.path(key).unlink(missing_ok=True)

    def remove_job(self, job_id: str) -> None:
        """Every file of a job, of all its attempts."""
        shutil.rmtree(self.path(f"artifacts/{_safe(job_id)}"), ignore_errors=True)
        shutil.rmtree(self.path(f"previews/{_safe(job_id)}"), ignore_errors=True)
        self.remove_chunks(job_id)

    def job_size(self, job_id: str) -> int:
        """Bytes of everything that `remove_job` would remove."""
        folders = (f"artifacts/{_safe(job_id)}", f"previews/{_safe(job_id)}", f"chunks/{_safe(job_id)}")
        return sum(_size(self.path(folder)) for folder in folders)

    def remove_chunks(self, job_id: str) -> None:
        shutil.rmtree(self.chunk_folder(job_id), ignore_errors=True)

    def set_chunks_aside(self, job_id: str) -> Path | None:
        """Rename the chunk folder to one that is no job's, which the sweep would find; None where there is none."""
        aside = self.path(f"chunks/{_safe(job_id)}.{secrets.token_hex(8)}")
        try:
            return self.chunk_folder(job_id).rename(aside)
        except FileNotFoundError:
            return None

    def remove_scratch(self, job_id: str, attempt: int) -> None:
        shutil.rmtree(self.scratch_path(job_id, attempt), ignore_errors=True)

    def folders(self, kind: str) -> Iterator[Path]:
        """What lies directly in `artifacts`, `chunks`, `scratch`, `previews` or `uploads`."""
        folder = self.path(kind)
        return iter(sorted(folder.iterdir())) if folder.is_dir() else iter(())

    def disk_usage(self) -> DiskUsage:
        self.root.mkdir(parents=True, exist_ok=True)
        return DiskUsage(used=_size(self.root), free=shutil.disk_usage(self.root).free)


def _size(folder: Path) -> int:
    total = 0
    for file in folder.rglob("*"):
        with contextlib.suppress(FileNotFoundError):  # workers come and go with files meanwhile
            total += file.stat().st_size if file.is_file() else 0
    return total


def _safe(name: str) -> str:
    if not SAFE_NAME.fullmatch(name):
        raise ValueError("not a name of this store")
    return name


def _sync_and_hash(file: Path) -> tuple[int, str]:
    digest = hashlib.sha256()
    with file.open("rb+") as handle:
        while block := handle.read(CHUNK):
            digest.update(block)
        os.fsync(handle.fileno())
        return handle.tell(), digest.hexdigest()


def _sync_folder(folder: Path) -> None:
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
