"""`vidgen up` as a user runs it: a killed worker's job is finished, and what cannot start says so and ends."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.faults.worker_process import children, is_alive, runner_environment, wait_until
from tests.integration.servers import free_port

pytestmark = [pytest.mark.faults, pytest.mark.slow]

# longer than the whole rest of a run takes
LEASE_SECONDS = 300


class Service:
    """A running `vidgen up` and its HTTP API."""

    def __init__(self, process: "subprocess.Popen[bytes]", base: str) -> None:
        self.process, self.base = process, base

    def call(self, path: str, body: dict[str, Any] | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, data, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def is_ready(self) -> bool:
        try:
            return bool(self.call("/readyz"))
        except (OSError, urllib.error.URLError):
            return False

    def worker(self) -> int:
        """The process id of the present worker."""
        named = [pid for pid in children(self.process) if "worker" in command_of(pid)]
        assert named, "there is no worker process"
        return named[0]


def command_of(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().rstrip("\0").split("\0")
    except OSError:
        return []


@contextmanager
def service(folder: Path, **settings: str) -> Iterator[Service]:
    port = free_port()
    values = {"DATA_DIR": str(folder / "data"), "PORT": str(port), **settings}
    environment = os.environ | {f"VIDGEN_{name}": value for name, value in values.items()}
    environment["PYTHONPATH"] = runner_environment()
    with (folder / "service.log").open("ab") as log:
        command = [sys.executable, "-m", "vidgen.cli", "up"]
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        try:
            yield Service(process, f"http://127.0.0.1:{port}")
        finally:
            process.terminate()
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def test_a_killed_workers_job_is_finished_by_the_one_that_follows(tmp_path: Path, tiny_manifests: Path) -> None:
    """Fails when `up` leaves the job of the worker that it saw die to its lease: tried."""
    fast_lease = {"LEASE_SECONDS": str(LEASE_SECONDS), "HEARTBEAT_SECONDS": "1", "POLL_SECONDS": "0.2"}
    with service(tmp_path, MODEL_FOLDERS=str(tiny_manifests), **fast_lease) as up:
        wait_until(up.is_ready, 180, "the service")
        spec = {"model": "tiny", "prompt": "a cat", "seed": 1, "num_inference_steps": 50, "width": 64, "height": 64}
        # the first job loads torch and the model, so that its worker is killed well before it is done
        job = up.call("/api/v1/jobs", {"task": "text-to-video", "num_frames": 25, **spec})
        path = f"/api/v1/jobs/{job['id']}"
        wait_until(lambda: up.call(path)["status"] == "running", 60, "the job's start")
        worker = up.worker()
        os.kill(worker, signal.SIGKILL)
        killed = time.monotonic()
        wait_until(lambda: up.call(path)["status"] == "succeeded", 200, "the job's end")
        done = up.call(path)
        assert done["attempts"] == 2
        assert time.monotonic() - killed < LEASE_SECONDS, "nobody waits for the lease of a worker that was seen dead"
        assert {artifact["kind"] for artifact in done["artifacts"]} == {"video", "poster", "sprite_sheet", "receipt"}
        assert up.worker() != worker


def test_nothing_is_left_behind_when_the_launcher_is_killed(tmp_path: Path) -> None:
    """Fails when the kernel is not asked to end the children with their launcher: tried."""
    with service(tmp_path) as up:
        wait_until(up.is_ready, 180, "the service")
        family = children(up.process)
        assert len(family) == 2
        up.process.kill()
        wait_until(lambda: not any(is_alive(pid) for pid in family), 20, "the children's end")


@pytest.mark.parametrize("settings", [{"HOST": "0.0.0.0"}, {"PORT": "taken"}], ids=["open address", "taken port"])
def test_what_cannot_start_says_why_and_ends(tmp_path: Path, settings: dict[str, str]) -> None:
    """Fails when an open address is not refused: tried."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        if settings == {"PORT": "taken"}:
            settings = {"PORT": str(taken.getsockname()[1])}
        with service(tmp_path, **settings) as up:
            started = time.monotonic()
            assert up.process.wait(120) not in (0, None)
            assert time.monotonic() - started < 120
    log = (tmp_path / "service.log").read_text()
    assert "other machines reach this address" in log or "cannot be used" in log
    assert "Traceback" not in log
