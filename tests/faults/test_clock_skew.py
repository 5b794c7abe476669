"""Promise 10: a worker whose clock is an hour wrong changes nothing, because times come from the database's clock.

On PostgreSQL, whose server has a clock of its own. SQLite runs inside the processes of one machine, which have one
clock between them, so there is nothing to be skewed against.
"""

import json
import shutil
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from standardwebhooks import Webhook

from tests.faults.backends import REDIS, Backend
from tests.faults.conftest import Say
from tests.faults.fleet import Fleet
from tests.faults.invariants import check_invariants, rows
from tests.faults.running_service import running_service
from tests.faults.worker_process import wait_until
from tests.receiver import receiver

pytestmark = [pytest.mark.faults, pytest.mark.parametrize("servers", [REDIS], indirect=True)]

# intervals are measured with the monotonic clock, which nobody can set wrong; files keep the time of their disk
REAL_INTERVALS = {"FAKETIME_DONT_FAKE_MONOTONIC": "1", "NO_FAKE_STAT": "1"}
HOURS = ["+1h", "-1h"]


@pytest.fixture
def faketime() -> str:
    program = shutil.which("faketime")
    if program is None:
        pytest.skip("faketime is not installed (Debian: faketime)")
    return program


@pytest.mark.parametrize("skew", HOURS)
def test_a_worker_with_a_wrong_clock_changes_nothing(
    on: Backend, faketime: str, skew: str, tmp_path: Path, say: Say
) -> None:
    """A right worker runs a job while the wrong one looks after leases; then the wrong one runs jobs by itself.

    Fails when webhooks are stamped with the worker's own clock: that was so, and receivers refused them."""
    with receiver() as hooks, running_service(on, tmp_path, lease_seconds=3.0) as up:
        longer = up.client.submit("slow 8")
        wait_until(lambda: up.client.get(longer)["progress"] > 0, 30, "the job's progress")
        up.fleet.worker(prefix=(faketime, "-f", skew), **REAL_INTERVALS)
        up.working()
        jobs = [up.client.submit("quick", callback_url=hooks.url) for _ in range(3)]
        for job_id in jobs:
            # no sooner than it was asked for, no later than soon: neither clock makes a job wait for an hour
            assert up.client.wait(job_id)["attempts"] == 1
        done = up.client.wait(longer)
        assert (done["status"], done["attempts"]) == ("succeeded", 1)
        up.fleet.workers[0].terminate()
        alone = up.client.submit("quick", callback_url=hooks.url)
        assert up.client.wait(alone)["status"] == "succeeded"
        check_invariants(up.plane, up.client.accepted)
        assert rows(up.plane, "SELECT id FROM jobs WHERE started_at < created_at OR finished_at < started_at") == []
        wait_until(lambda: len({it.headers["webhook-id"] for it in hooks.received}) == 4, 60, "the webhooks")
        secret = up.plane.settings.webhook_secret
        # a receiver refuses what is older or newer than five minutes
        told = {json.dumps(Webhook(secret).verify(it.body, dict(it.headers)), sort_keys=True) for it in hooks.received}
        assert len(told) == 4
        assert says_the_wrong_hour(up.fleet), "the clock was not skewed at all"
        say(f"{skew}: 5 jobs, 5 attempts, 4 webhooks with a right timestamp")


def says_the_wrong_hour(fleet: Fleet) -> bool:
    """Whether two workers that were started within a minute say so an hour apart."""
    text = "".join(worker.log.read_text() for worker in fleet.workers)
    lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    told = [datetime.fromisoformat(line["time"]) for line in lines if line["event"] == "worker started"]
    return max(told) - min(told) > timedelta(minutes=50)
