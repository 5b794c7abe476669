import time

import pytest
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from tests.faults.worker_process import wait_until
from tests.jobs_fixtures import queue_job
from vidgen.jobs.service import ControlPlane
from vidgen_workers.lease_keeper import LeaseKeeper


@pytest.mark.parametrize("error", [OperationalError("UPDATE", {}, Exception("away")), PoolTimeout("none is free")])
def test_a_heartbeat_that_fails_is_tried_again_until_the_lease_is_over(
    plane: ControlPlane, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    queue_job(plane)
    claim = plane.jobs.claim("w", 60)
    assert claim is not None
    calls = []

    def away(*_: object) -> bool:
        calls.append(time.monotonic())
        raise error

    monkeypatch.setattr(plane.jobs, "heartbeat", away)
    monkeypatch.setattr(plane.jobs, "wishes", away)
    with LeaseKeeper(plane.jobs, claim, lease_seconds=0.5, heartbeat_seconds=0.1, poll_seconds=0.02) as lease:
        wait_until(lambda: len(calls) > 2)
        assert not lease.lost
        wait_until(lambda: lease.lost)
