"""The store's names and files, and uploads as rows with their files. What is removed and when: test_cleaning.py."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.jobs.stored_media import add_upload
from vidgen.jobs.files.storage import LocalStore
from vidgen.jobs.service import ControlPlane

BAD_NAMES = ["", ".", "..", ".hidden", "a/b", "a\\b", "/etc/passwd", "a\0b", "ä", "x" * 129, "a b", "a\n"]


@pytest.mark.parametrize("name", BAD_NAMES)
def test_no_name_leaves_the_store(tmp_path: Path, name: str) -> None:
    store = LocalStore(tmp_path)
    makers: list[Callable[[], object]] = [
        lambda: store.artifact_path("job_1", 1, name),
        lambda: store.artifact_path(name, 1, "video.mp4"),
        lambda: store.upload_path(name),
        lambda: store.preview_path(name, 1),
    ]
    for make in makers:
        with pytest.raises(ValueError, match="store"):
            make()


@pytest.mark.parametrize("key", ["", "../x", "a/../../x", "/etc/passwd", "a//../b", "a/.b"])
def test_no_key_leaves_the_store(tmp_path: Path, key: str) -> None:
    with pytest.raises(ValueError, match="store"):
        LocalStore(tmp_path).open(key)


def test_publishing_hashes_and_moves(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "store")
    source = tmp_path / "made"
    source.write_bytes(b"x" * 3_000_000)
    stored = store.publish(source, store.artifact_path("job_1", 2, "video.mp4"))
    assert stored.key == "artifacts/job_1/2/video.mp4"
    assert (stored.size, stored.sha256) == (3_000_000, hashlib.sha256(b"x" * 3_000_000).hexdigest())
    assert not source.exists()
    with store.open(stored.key) as handle:
        assert handle.read(2) == b"xx"
    assert store.disk_usage().used == 3_000_000
    store.delete(stored.key)
    store.delete(stored.key)
    with pytest.raises(FileNotFoundError):
        store.open(stored.key)


def test_a_failed_publish_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = LocalStore(tmp_path / "store")
    source = tmp_path / "made"
    source.write_bytes(b"x")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        store.publish(source, store.artifact_path("job_1", 1, "video.mp4"))
    assert [path for path in store.root.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize(
    ("given", "kept"), [("a/b/holiday.png", "holiday.png"), ("C:\\x\\y.png", "y.png"), ("..", ".."), ("", "upload")]
)
def test_an_uploads_name_is_a_name_and_never_a_path(plane: ControlPlane, given: str, kept: str) -> None:
    upload_id = add_upload(plane, given)
    upload = plane.uploads.get(upload_id)
    assert upload is not None
    assert (upload.filename, upload.size, upload.num_frames) == (kept, 3, None)
    path = plane.uploads.path(upload_id)
    assert path == plane.store.root / "uploads" / f"{upload_id}.png"
    assert path.read_bytes() == b"png"


def test_uploads_are_deleted_with_their_file(plane: ControlPlane) -> None:
    upload_id = add_upload(plane)
    path = plane.uploads.path(upload_id)
    assert path is not None
    plane.uploads.delete(upload_id)
    plane.uploads.delete(upload_id)
    assert (plane.uploads.get(upload_id), plane.uploads.path(upload_id), path.exists()) == (None, None, False)


def test_an_attempt_without_a_picture_shows_the_one_before(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    for attempt in (0, 3):
        with pytest.raises(FileNotFoundError):
            store.read_preview("job_1", attempt)
    store.replace_preview("job_1", 1, b"first")
    assert store.read_preview("job_1", 3) == b"first"
    store.replace_preview("job_1", 3, b"third")
    assert (store.read_preview("job_1", 3), store.read_preview("job_1", 2)) == (b"third", b"first")
