"""What a cancel does to a runner that does not listen: TERM to its group, then KILL."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.worker_process import RENDER, is_alive, runner_environment, wait_until
from tests.jobs_fixtures import control_plane, queue_job
from vidgen.jobs.service import ControlPlane
from vidgen.spec import JobStatus
from vidgen_workers.runner_process import RunnerProcess
from vidgen_workers.supervisor import Supervisor

pytestmark = pytest.mark.faults


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[ControlPlane]:
    with control_plane(tmp_path, cancel_grace_seconds=1.6) as opened:
        yield opened


@pytest.fixture
def runner(monkeypatch: pytest.MonkeyPatch) -> Iterator[RunnerProcess]:
    monkeypatch.setenv("PYTHONPATH", runner_environment())
    process = RunnerProcess(RENDER)
    yield process
    process.stop()


def cancel_while_running(plane: ControlPlane, runner: RunnerProcess, prompt: str) -> tuple[JobStatus, float, int]:
    """The final status, the seconds that the cancel took, and the runner's process id."""
    job_id = queue_job(plane, prompt).id
    supervisor = Supervisor(plane, runner, "w")
    worker = threading.Thread(target=supervisor.drain)
    worker.start()
    wait_until(lambda: runner.pid is not None)
    time.sleep(1.0)  # python has started
    if prompt == "stubborn":  # and minds no SIGTERM any more, which is when it reports
        wait_until(lambda: bool((job := plane.jobs.get(job_id)) and job.progress))
    pid, started = runner.pid, time.monotonic()
    assert pid is not None
    plane.jobs.cancel(job_id)
    worker.join(15)
    assert not worker.is_alive()
    job = plane.jobs.get(job_id)
    assert job is not None
    return job.status, time.monotonic() - started, pid


def test_a_deaf_render_is_terminated_after_half_the_grace(plane: ControlPlane, runner: RunnerProcess) -> None:
    status, seconds, pid = cancel_while_running(plane, runner, "deaf")
    assert status is JobStatus.CANCELLED
    assert 0.8 <= seconds < 1.6
    assert not is_alive(pid)


def test_a_stubborn_render_is_killed_when_the_grace_is_over(plane: ControlPlane, runner: RunnerProcess) -> None:
    status, seconds, pid = cancel_while_running(plane, runner, "stubborn")
    assert status is JobStatus.CANCELLED
    assert 1.6 <= seconds < 4.0
    assert not is_alive(pid)
    following = queue_job(plane, "quick").id
    Supervisor(plane, runner, "w").drain()
    job = plane.jobs.get(following)
    assert job is not None
    assert job.status is JobStatus.SUCCEEDED
