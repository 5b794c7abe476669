"""Real worker processes that are killed and started again: nothing is lost, nothing ends twice."""

import os
import signal
from pathlib import Path

import pytest

from tests.faults.worker_process import children, is_alive, wait_for_job, wait_until, worker
from tests.jobs_fixtures import control_plane, queue_job
from vidgen.jobs.service import ControlPlane

pytestmark = pytest.mark.faults


def kinds(plane: ControlPlane, job_id: str) -> list[str]:
    return [event.kind for event in plane.jobs.events(0, job_id) if event.kind != "job.progress"]


def has_progressed(plane: ControlPlane, job_id: str) -> bool:
    job = plane.jobs.get(job_id)
    return job is not None and job.progress > 0


def test_a_killed_workers_job_is_finished_by_the_next_one(tmp_path: Path) -> None:
    """Fails when the reconciler does not look after leases: tried."""
    with control_plane(tmp_path, lease_seconds=1.5) as plane:
        job_id = queue_job(plane, "slow 2").id
        with worker(plane) as first:
            wait_until(lambda: has_progressed(plane, job_id))
            (runner,) = children(first)
            first.send_signal(signal.SIGKILL)
            first.wait()
            wait_until(lambda: not is_alive(runner), 2, "the runner's death")
        with worker(plane):
            job = wait_for_job(plane, job_id, "succeeded")
        assert job.attempts == 2
        assert kinds(plane, job_id) == ["job.queued", "job.running", "job.requeued", "job.running", "job.succeeded"]
        assert plane.jobs.artifact_key(job.artifacts[0].id) == f"artifacts/{job_id}/2/video.mp4"


def test_a_killed_runner_costs_an_attempt_and_not_the_worker(tmp_path: Path) -> None:
    """Fails when the worker ends with its runner: tried."""
    with control_plane(tmp_path) as plane:
        job_id = queue_job(plane, "slow 4").id
        with worker(plane) as process:
            wait_until(lambda: has_progressed(plane, job_id))
            (runner,) = children(process)
            os.kill(runner, signal.SIGKILL)
            job = wait_for_job(plane, job_id, "succeeded")
            assert process.poll() is None
        assert job.attempts == 2


def test_a_poison_job_ends_and_its_neighbour_is_served(tmp_path: Path) -> None:
    """Fails when attempts are not counted: tried."""
    with control_plane(tmp_path, max_attempts=2) as plane:
        poison, neighbour = queue_job(plane, "suicidal").id, queue_job(plane, "quick").id
        with worker(plane):
            wait_for_job(plane, neighbour, "succeeded")
            job = wait_for_job(plane, poison, "failed")
        assert job.error is not None
        assert (job.error.code, job.attempts) == ("worker_lost", 2)
        assert kinds(plane, poison).count("job.failed") == 1
