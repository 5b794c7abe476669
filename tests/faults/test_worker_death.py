"""Real worker processes that are killed, stopped and started again: nothing is lost, nothing ends twice."""

import os
import signal
import sqlite3
import time
from contextlib import closing
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


def freeze(plane: ControlPlane, pids: list[int]) -> None:
    """Stop the processes, but not in the middle of a SQLite write, where nobody could write before they go on."""
    while True:
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        if plane.engine.dialect.name != "sqlite" or is_writable(plane.settings.data_dir / "vidgen.db"):
            return
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
        time.sleep(0.03)


def is_writable(database: Path) -> bool:
    with closing(sqlite3.connect(database, timeout=0.2, isolation_level=None)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return False
        connection.execute("ROLLBACK")
        return True


def test_a_killed_workers_job_is_finished_by_the_next_one(tmp_path: Path) -> None:
    with control_plane(tmp_path, lease_seconds=1.5) as plane:
        job_id = queue_job(plane, "slow 2").id
        with worker(plane) as first:
            wait_until(lambda: has_progressed(plane, job_id))
            (runner,) = children(first)
            first.send_signal(signal.SIGKILL)
            first.wait()
            wait_until(lambda: not is_alive(runner), 2, "the runner's death")
        with worker(plane):
            killed = time.monotonic()
            job = wait_for_job(plane, job_id, "succeeded")
        assert time.monotonic() - killed < 1.5 + 10
        assert job.attempts == 2
        assert kinds(plane, job_id) == ["job.queued", "job.running", "job.requeued", "job.running", "job.succeeded"]
        assert plane.jobs.artifact_key(job.artifacts[0].id) == f"artifacts/{job_id}/2/video.mp4"


def test_a_killed_runner_costs_an_attempt_and_not_the_worker(tmp_path: Path) -> None:
    with control_plane(tmp_path) as plane:
        job_id = queue_job(plane, "slow 1").id
        with worker(plane) as process:
            wait_until(lambda: has_progressed(plane, job_id))
            (runner,) = children(process)
            os.kill(runner, signal.SIGKILL)
            job = wait_for_job(plane, job_id, "succeeded")
            assert process.poll() is None
        assert job.attempts == 2


def test_a_sleeping_worker_wakes_up_to_a_lost_lease(tmp_path: Path) -> None:
    with control_plane(tmp_path, lease_seconds=1.5) as plane:
        job_id = queue_job(plane, "slow 2").id
        with worker(plane) as zombie:
            wait_until(lambda: has_progressed(plane, job_id))
            freeze(plane, [zombie.pid, *children(zombie)])
            with worker(plane):
                done = wait_for_job(plane, job_id, "succeeded")
                last = plane.jobs.last_event_id()
                for pid in (*children(zombie), zombie.pid):
                    os.kill(pid, signal.SIGCONT)
                log = plane.settings.data_dir / "worker.log"
                wait_until(lambda: "lease lost" in log.read_text(), 5, "a fenced write")
            assert plane.jobs.get(job_id) == done
            assert plane.jobs.last_event_id() == last
            assert zombie.poll() is None


def test_a_poison_job_ends_and_its_neighbour_is_served(tmp_path: Path) -> None:
    with control_plane(tmp_path, max_attempts=2) as plane:
        poison, neighbour = queue_job(plane, "suicidal").id, queue_job(plane, "quick").id
        with worker(plane):
            wait_for_job(plane, neighbour, "succeeded")
            job = wait_for_job(plane, poison, "failed")
        assert job.error is not None
        assert (job.error.code, job.attempts) == ("worker_lost", 2)
        assert kinds(plane, poison).count("job.failed") == 1
