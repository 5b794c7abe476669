"""Promise 12: a full disk is said plainly, leaves nothing half done, and is over as soon as there is room again."""

import contextlib
import io
import json
import os
import shutil
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from tests.faults.backends import REDIS, SQLITE, Backend
from tests.faults.client import SPEC
from tests.faults.conftest import Say
from tests.faults.invariants import check_invariants, rows
from tests.faults.running_service import RunningService, running_service
from tests.faults.worker_process import wait_until

pytestmark = pytest.mark.faults

MEGABYTE = 1 << 20
DISK_MEGABYTES = 48
POSTS = 30
BLOCK = 4096


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own, small enough to be filled."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MEGABYTES}m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("a small tmpfs cannot be mounted here (root and CAP_SYS_ADMIN are needed)")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(disk: Path, *, leave: int = 0) -> Path:
    """A file that takes all the room but `leave` bytes."""
    ballast = disk / "ballast"
    room = shutil.disk_usage(disk).free - leave
    # others write meanwhile, so that the last block may not fit
    with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as out:
        for _ in range(0, room, BLOCK):
            out.write(bytes(BLOCK))
    return ballast


@pytest.mark.parametrize("servers", [SQLITE, REDIS], indirect=True)
def test_a_clip_that_does_not_fit_fails_and_leaves_nothing(on: Backend, disk: Path, say: Say) -> None:
    """On SQLite the database lies on that disk too. Fails when the runner calls a full disk an internal error: tried.
    It also failed, with `worker_lost`, while the draft stayed until the failure was written."""
    with running_service(on, disk, max_attempts=2, min_free_mb=0, poll_seconds=0.5) as up:
        ballast = fill(disk, leave=12 * MEGABYTE)
        small, large = up.client.submit("quick"), up.client.submit(f"large {20 * MEGABYTE}")
        assert up.client.wait(small)["status"] == "succeeded"
        job = up.client.wait(large, seconds=120)
        assert (job["status"], job["error"]["code"], job["artifacts"]) == ("failed", "storage_failed", [])
        assert "No space left" in job["error"]["message"]
        assert files_of(up, large) == []
        ballast.unlink()
        again = up.client.insist("POST", f"/api/v1/jobs/{large}/retry")
        assert up.client.wait(again["id"], "succeeded")["error"] is None
        check_invariants(up.plane, up.client.accepted)
        say("failed cleanly with storage_failed, 0 files left; succeeded when there was room")


@pytest.mark.parametrize("servers", [SQLITE], indirect=True)
def test_nothing_is_taken_in_on_a_full_disk(on: Backend, disk: Path, say: Say) -> None:
    """The database lies on the full disk too. Fails when a full disk is answered 500: tried."""
    with running_service(on, disk, workers=1, min_free_mb=0) as up:
        first = up.client.submit("slow 4")
        up.client.wait(first, "running")
        ballast = fill(disk)
        jobs, uploads = rows(up.plane, "SELECT count(*) FROM jobs"), listing(up.plane.store.root / "uploads")
        answers = [post(up, "/api/v1/jobs", json.dumps({**SPEC, "prompt": "p" * 1500}).encode()) for _ in range(POSTS)]
        # SQLite may have room left in its log for one or two
        assert set(answers[-POSTS // 2 :]) == {507}
        assert set(answers) <= {202, 507}
        assert rows(up.plane, "SELECT count(*) FROM jobs") == [(jobs[0][0] + answers.count(202),)]
        assert upload(up) == 507
        assert listing(up.plane.store.root / "uploads") == uploads
        assert listing(up.plane.settings.incoming_dir) == []
        assert up.client.call("GET", f"/api/v1/jobs/{first}")["id"] == first
        ballast.unlink()
        assert up.client.wait(first)["status"] == "succeeded"
        assert upload(up) == 201
        for (job_id,) in rows(up.plane, "SELECT id FROM jobs WHERE status = 'queued'"):
            up.client.cancel(job_id)
        after = up.client.submit("quick")
        wait_until(lambda: up.client.get(after)["status"] == "succeeded", 60)
        say(f"{answers.count(202)} POSTs still fit, {answers.count(507)} were answered 507, nothing half done")


def files_of(up: RunningService, job_id: str) -> list[Path]:
    """What the store holds of a job, drafts included."""
    return [path for path in up.plane.store.root.rglob("*") if path.is_file() and job_id in str(path)]


def listing(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def upload(up: RunningService) -> int:
    picture = io.BytesIO()
    Image.effect_noise((512, 512), 90).save(picture, "PNG")
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\nContent-Type: image/png\r\n\r\n'
    body = head + picture.getvalue() + b"\r\n--x--\r\n"
    return post(up, "/api/v1/uploads", body, "multipart/form-data; boundary=x")


def post(up: RunningService, path: str, body: bytes, content_type: str = "application/json") -> int:
    request = urllib.request.Request(up.client.base + path, body, {"Content-Type": content_type}, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            status: int = answer.status
            return status
    except urllib.error.HTTPError as error:
        return error.code
