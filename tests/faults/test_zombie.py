"""Promise 3: a worker that was frozen past its lease and wakes up changes nothing, because every write is fenced."""

import signal
from pathlib import Path

import pytest

from tests.faults.backends import Backend
from tests.faults.conftest import Say
from tests.faults.fleet import fleet
from tests.faults.freezing import freeze
from tests.faults.invariants import check_invariants, rows
from tests.faults.worker_process import SCRIPT, wait_for_job, wait_until
from tests.jobs_fixtures import control_plane, queue_job
from vidgen.jobs.service import ControlPlane

pytestmark = pytest.mark.faults

LEASE_SECONDS = 2.0
# what is left of a worker's writes when somebody forgets the fence: they find the row by the job alone
UNFENCED = """
from sqlmodel import col
from vidgen.jobs import fence
from vidgen.jobs.database.tables import JobRow
fence._held = lambda claim: (col(JobRow.id) == claim.job_id,)
"""
LOST = "lease lost; work dropped"


def wake_a_zombie(on: Backend, folder: Path, script: str = SCRIPT) -> int:
    """Freeze a worker in the middle of a job and let it go on when another one has the job. Returns fenced writes."""
    settings = {"lease_seconds": LEASE_SECONDS, "heartbeat_seconds": 0.5, "broker_url": on.broker_url}
    with control_plane(folder, **settings) as plane, fleet(plane) as running:
        zombie = running.worker(script=script)
        job_id = queue_job(plane, "slow 4").id
        wait_until(lambda: has_progressed(plane, job_id, attempt=1), 30, "the first attempt's progress")
        freeze(plane, zombie.family())
        running.worker(script=script)
        wait_until(lambda: has_progressed(plane, job_id, attempt=2), 60, "the second attempt's progress")
        # its runner's time is over by now: it reports, heartbeats and publishes at once
        zombie.signal(signal.SIGCONT)
        wait_for_job(plane, job_id, "succeeded", seconds=60)
        check_invariants(plane, [job_id])
        done, last = rows(plane, "SELECT * FROM jobs"), plane.jobs.last_event_id()
        wait_until(lambda: running.logged(LOST) > 0, 30, "a fenced write")
        wait_until(lambda: len(zombie.family()) == 1, 30, "the end of the zombie's runner")
        assert rows(plane, "SELECT * FROM jobs") == done
        assert plane.jobs.last_event_id() == last
        following = queue_job(plane, "quick").id
        wait_for_job(plane, following, "succeeded", seconds=30)
        assert zombie.is_running, "a worker outlives the loss of a lease"
        return running.logged(LOST)


def has_progressed(plane: ControlPlane, job_id: str, *, attempt: int) -> bool:
    job = plane.jobs.get(job_id)
    return job is not None and job.attempts == attempt and job.progress > 0


def test_a_zombie_changes_nothing(on: Backend, tmp_path: Path, say: Say) -> None:
    """Fails when the fence is gone, as the test below shows at every run."""
    say(f"{wake_a_zombie(on, tmp_path)} fenced writes, 0 changes")


def test_without_the_fence_a_zombie_is_noticed(on: Backend, tmp_path: Path) -> None:
    """The same scenario with workers whose writes are not fenced: it must fail, or it would prove nothing."""
    with pytest.raises(AssertionError, match=r"of another attempt|that somebody owns"):
        wake_a_zombie(on, tmp_path, UNFENCED + SCRIPT)
