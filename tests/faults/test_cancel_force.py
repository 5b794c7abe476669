"""What a cancel does to a runner that does not listen: TERM to its group, then KILL."""

import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.worker_process import RENDER, runner_environment, wait_for_job, wait_until
from tests.jobs_fixtures import control_plane, queue_job
from vidgen.jobs.service import ControlPlane
from vidgen.spec import JobStatus
from vidgen_workers.runner_process import RunnerProcess
from vidgen_workers.supervisor import Supervisor

pytestmark = pytest.mark.faults

GRACE_SECONDS = 4.0


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[ControlPlane]:
    with control_plane(tmp_path, cancel_grace_seconds=GRACE_SECONDS) as opened:
        yield opened


@pytest.fixture
def runner(monkeypatch: pytest.MonkeyPatch) -> Iterator[RunnerProcess]:
    monkeypatch.setenv("PYTHONPATH", runner_environment())
    process = RunnerProcess(RENDER)
    yield process
    process.stop()


def cancel_while_running(plane: ControlPlane, runner: RunnerProcess, prompt: str) -> tuple[JobStatus, float, int]:
    """The final status, the seconds that the cancel took, and the signal that ended the runner."""
    job_id = queue_job(plane, prompt).id
    supervisor = Supervisor(plane, runner, "w")
    worker = threading.Thread(target=supervisor.drain)
    worker.start()
    wait_until(lambda: runner.pid is not None)
    time.sleep(1.0)  # python has started
    if prompt == "stubborn":  # and minds no SIGTERM any more, which is when it reports
        wait_until(lambda: bool((job := plane.jobs.get(job_id)) and job.progress))
    process, started = runner._process, time.monotonic()
    assert process is not None
    plane.jobs.cancel(job_id)
    worker.join(40)
    assert not worker.is_alive()
    job = plane.jobs.get(job_id)
    assert job is not None
    assert process.returncode is not None, "the runner lives on"
    return job.status, time.monotonic() - started, -process.returncode


def test_a_deaf_render_is_terminated_after_half_the_grace(plane: ControlPlane, runner: RunnerProcess) -> None:
    """Fails when the runner is not terminated before it is killed: tried."""
    status, seconds, ended_by = cancel_while_running(plane, runner, "deaf")
    assert (status, ended_by) == (JobStatus.CANCELLED, signal.SIGTERM)
    assert seconds >= GRACE_SECONDS / 2


def test_a_stubborn_render_is_killed_when_the_grace_is_over(plane: ControlPlane, runner: RunnerProcess) -> None:
    """Fails when TERM is all that it gets: tried, the worker still waited after forty seconds."""
    status, seconds, ended_by = cancel_while_running(plane, runner, "stubborn")
    assert (status, ended_by) == (JobStatus.CANCELLED, signal.SIGKILL)
    assert seconds >= GRACE_SECONDS
    following = queue_job(plane, "quick").id
    Supervisor(plane, runner, "w").drain()
    job = plane.jobs.get(following)
    assert job is not None
    assert job.status is JobStatus.SUCCEEDED


def test_no_job_is_sent_to_a_runner_that_is_leaving(plane: ControlPlane, runner: RunnerProcess) -> None:
    """Its pipe closes before it can be waited for; seen once in a hundred races on a busy machine.

    Fails when a cancelled job's runner is not waited for: tried, the next job was running until its worker ended.
    """
    first, second = queue_job(plane, "parting").id, queue_job(plane, "quick").id
    supervisor = Supervisor(plane, runner, "w")
    worker = threading.Thread(target=supervisor.drain, daemon=True)
    worker.start()
    wait_until(lambda: bool((job := plane.jobs.get(first)) and job.progress))
    plane.jobs.cancel(first)
    assert wait_for_job(plane, second, "succeeded", seconds=30).attempts == 1
    assert wait_for_job(plane, first, "cancelled").attempts == 1
    worker.join(40)
