"""Promise 5: the job of a worker that died runs again within the lease and ten seconds."""

from pathlib import Path

import pytest

from tests.faults.backends import Backend
from tests.faults.conftest import Say
from tests.faults.invariants import check_invariants, rows
from tests.faults.running_service import running_service
from tests.faults.worker_process import wait_until
from vidgen.jobs.database.clock import database_now
from vidgen.jobs.database.session import reading
from vidgen.jobs.service import ControlPlane

pytestmark = pytest.mark.faults

LEASE_SECONDS = 6.0
PROMISED_SECONDS = LEASE_SECONDS + 10.0
# all by the database's clock, so that nothing of this process is measured
STARTS = "SELECT job_id, created_at FROM job_events WHERE kind = 'job.running' ORDER BY id"


def test_a_dead_workers_job_restarts_within_the_lease_and_ten_seconds(on: Backend, tmp_path: Path, say: Say) -> None:
    """Fails when neither the reconciler nor the web process looks after leases, either of which is enough: tried.

    And when both look once a minute only: tried.
    """
    settings = {"lease_seconds": LEASE_SECONDS, "heartbeat_seconds": 2.0, "poll_seconds": 1.0}
    with running_service(on, tmp_path, workers=2, **settings) as up:
        job_id = up.client.submit("slow 8")
        wait_until(lambda: up.client.get(job_id)["progress"] > 0, 30, "the job's progress")
        (busy,) = (worker for worker in up.fleet.workers if len(worker.family()) > 1)
        busy.kill()
        killed = database_time(up.plane)
        up.client.wait(job_id, "succeeded")
        starts = [at for _job, at in rows(up.plane, STARTS)]
        assert len(starts) == 2
        restarted = starts[1] - killed
        check_invariants(up.plane, up.client.accepted)
        assert restarted < PROMISED_SECONDS
        say(f"lease {LEASE_SECONDS:g} s: started again {restarted:.1f} s after the kill")


def database_time(plane: ControlPlane) -> float:
    with reading(plane.engine) as session:
        return database_now(session)
