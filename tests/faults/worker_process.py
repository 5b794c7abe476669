"""A real worker process with fake renders, for tests that kill it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.integration.servers import children_of
from vidgen.jobs.service import ControlPlane
from vidgen.jobs.views import Job

ROOT = Path(__file__).parents[2]
RENDER = "tests.faults.fake_renders:render"
# a process that takes a second to start took half a minute where twenty programs shared two cores
PATIENCE_SECONDS = 120.0


def script_with(render: str) -> str:
    """A worker's program whose runner calls the function that `render` names."""
    return f"""
import sys
from vidgen.jobs.settings import load_settings
from vidgen_workers.main import run_worker
sys.exit(run_worker(load_settings(), render={render!r}))
"""


SCRIPT = script_with(RENDER)


def runner_environment() -> str:
    """PYTHONPATH with which the runner's process finds the fake renders and the packages."""
    folders = [str(ROOT / part) for part in ("", "models", "web", "workers")]
    return os.pathsep.join([*folders, *filter(None, [os.environ.get("PYTHONPATH")])])


@contextmanager
def worker(plane: ControlPlane, render: str = RENDER) -> Iterator["subprocess.Popen[bytes]"]:
    """A worker on the plane's database and settings, whose runner calls the function that `render` names; killed with
    its runner when the block ends."""
    settings = plane.settings
    names = ("data_dir", "lease_seconds", "heartbeat_seconds", "poll_seconds", "cancel_grace_seconds", "max_attempts")
    values = {f"VIDGEN_{name.upper()}": str(getattr(settings, name)) for name in names}
    values["VIDGEN_WEBHOOK_ALLOW_PRIVATE"] = ",".join(settings.webhook_allow_private)
    values["VIDGEN_BROKER_URL"] = settings.broker_url
    values["VIDGEN_DATABASE_URL"] = settings.resolved_database_url
    environment = {**os.environ, **values, "PYTHONPATH": runner_environment()}
    log = settings.data_dir / "worker.log"
    with log.open("ab") as stderr:
        process = subprocess.Popen([sys.executable, "-c", script_with(render)], env=environment, stderr=stderr)
        try:
            yield process
        finally:
            for child in children(process):
                os.kill(child, signal.SIGKILL)
            process.kill()
            process.wait()


def children(process: "subprocess.Popen[bytes]") -> list[int]:
    """Process ids of its children (Linux)."""
    return children_of(process.pid)


def is_alive(pid: int) -> bool:
    """Whether the process exists and is not a zombie that waits for its parent."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_until(true: Callable[[], bool], seconds: float = 0.0, what: str = "it") -> None:
    """At least PATIENCE_SECONDS: what a promise gives less time is measured and asserted by its test."""
    seconds = max(seconds, PATIENCE_SECONDS)
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            raise AssertionError(f"{what} did not happen within {seconds} s")
        time.sleep(0.05)


def wait_for_job(plane: ControlPlane, job_id: str, *statuses: str, seconds: float = 0.0) -> Job:
    """The job once it has one of the statuses, as patiently as `wait_until`."""
    seconds = max(seconds, PATIENCE_SECONDS)
    end = time.monotonic() + seconds
    while True:
        job = plane.jobs.get(job_id)
        assert job is not None
        if job.status in statuses:
            return job
        if time.monotonic() > end:
            raise AssertionError(f"{job_id} is {job.status} {job.error}, not {statuses}, after {seconds} s")
        time.sleep(0.05)
