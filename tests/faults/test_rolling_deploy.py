"""Promise 11: a rolling deploy, process by process with SIGTERM and under load, loses nothing."""

import threading
from pathlib import Path

import pytest

from tests.faults.backends import ONE, Backend
from tests.faults.client import Client
from tests.faults.conftest import Say
from tests.faults.invariants import check_invariants, rows
from tests.faults.rounds import SHORT_ROUNDS, fault_rounds
from tests.faults.running_service import running_service
from tests.faults.worker_process import wait_until

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.parametrize("servers", ONE, indirect=True)]

JOBS_A_SECOND = 1.5


@pytest.mark.timeout(3600)
def test_a_rolling_deploy_loses_nothing(on: Backend, tmp_path: Path, say: Say) -> None:
    """Every job has one attempt to spend, and a deploy must not use it up. Fails when the job in hand is not handed
    back: tried, it was `worker_lost`."""
    deploys = 1 + fault_rounds() // (2 * SHORT_ROUNDS)
    settings = {"lease_seconds": 15.0, "heartbeat_seconds": 1.0, "max_attempts": 1}
    stop = threading.Event()
    with running_service(on, tmp_path, workers=2, **settings) as up:
        load = threading.Thread(target=keep_submitting, args=(up.client, stop), daemon=True)
        load.start()
        try:
            for _ in range(deploys):
                for member in up.fleet.members:
                    assert member.terminate() == 0, f"{member.name} did not end in order"
                    member.start()
                    wait_until(up.client.is_ready, 60, "the web server")
                    stop.wait(2)
        finally:
            stop.set()
            load.join(120)
        open_jobs = "SELECT count(*) FROM jobs WHERE status IN ('queued', 'running')"
        wait_until(lambda: rows(up.plane, open_jobs) == [(0,)], 120, "the end of every job")
        check_invariants(up.plane, up.client.accepted)
        assert rows(up.plane, "SELECT id, error_code FROM jobs WHERE status <> 'succeeded'") == []
        assert rows(up.plane, "SELECT id FROM jobs WHERE attempt - excused <> 1") == []
        handed_back = sum(excused for (excused,) in rows(up.plane, "SELECT excused FROM jobs"))
        say(
            f"{deploys * len(up.fleet.members)} SIGTERMs, {len(up.client.accepted)} jobs, all succeeded, "
            f"{handed_back} handed back, {len(up.client.errors)} requests repeated"
        )


def keep_submitting(client: Client, stop: threading.Event) -> None:
    n = 0
    while not stop.wait(1 / JOBS_A_SECOND):
        n += 1
        client.submit("slow 1" if n % 3 else "slow 3")
