"""Promise 6: without its broker the service takes jobs and does them, and needs no help when the broker is back."""

import signal
import time
from pathlib import Path

import pytest

from tests.faults.backends import BROKERS, QUICK_BROKERS, Backend
from tests.faults.client import Client
from tests.faults.conftest import Say
from tests.faults.invariants import check_invariants
from tests.faults.running_service import running_service
from tests.faults.worker_process import wait_until
from tests.integration.servers import Server

pytestmark = [pytest.mark.faults, pytest.mark.slow]

# a POST waits for no broker; on a machine as busy as a test machine the bound must be a wide one
POST_SECONDS = 5.0
POSTS = 10


AWAY = [signal.SIGKILL, signal.SIGSTOP]


@pytest.fixture
def broker(on: Backend) -> Server:
    assert on.broker is not None
    return on.broker


@pytest.mark.parametrize("servers", BROKERS, indirect=True)
@pytest.mark.parametrize("how", AWAY, ids=["killed", "stopped"])
def test_jobs_are_taken_and_done_while_the_broker_is_away(
    on: Backend, broker: Server, how: signal.Signals, tmp_path: Path, say: Say
) -> None:
    """Fails when the poke is sent in the request's own thread (a POST took 24 s) and when the poller leaves the work to
    pokes: tried. A worker that waited for the answer of a frozen RabbitMQ did not end within a minute."""
    with running_service(on, tmp_path) as up:
        broker.signal(how)
        try:
            slowest = 0.0
            for _ in range(POSTS):
                started = time.monotonic()
                up.client.submit("quick")
                slowest = max(slowest, time.monotonic() - started)
            assert up.client.errors == []
            assert slowest < POST_SECONDS
            for job_id in list(up.client.accepted):
                up.client.wait(job_id, "succeeded")
            check_invariants(up.plane, up.client.accepted)
            unfinished = up.client.submit("slow 60")
            up.client.wait(unfinished, "running")
            assert up.fleet.workers[0].terminate() == 0
            assert up.client.wait(unfinished, "queued")["attempts"] == 1
        finally:
            bring_back(broker, how)
        say(f"{how.name}: {POSTS} POSTs answered 202, the slowest in {slowest:.2f} s, all done")


@pytest.mark.parametrize("servers", QUICK_BROKERS, indirect=True)
@pytest.mark.parametrize("how", AWAY, ids=["killed", "stopped"])
def test_pokes_arrive_again_when_the_broker_is_back(
    on: Backend, broker: Server, how: signal.Signals, tmp_path: Path, say: Say
) -> None:
    """The poller looks once an hour here, so only a poke can start a job; the killed broker has lost its queue.

    Fails when no poke follows one that has ended: tried.
    """
    with running_service(on, tmp_path, poll_seconds=3600.0, heartbeat_seconds=0.5) as up:
        up.client.wait(up.client.submit("quick"), "succeeded")
        broker.signal(how)
        lost = up.client.submit("quick")
        time.sleep(2.0)  # long enough that the connections of both sides have noticed
        bring_back(broker, how)
        back = time.monotonic()
        # a poke may be sent before the worker listens again; the next one serves all that wait
        wait_until(lambda: poked(up.client), 90, "a poke")
        assert up.client.wait(lost)["status"] == "succeeded"
        wait_until(lambda: up.client.call("GET", "/api/v1/jobs?status=queued")["items"] == [], 30)
        check_invariants(up.plane, up.client.accepted)
        say(f"{how.name}: poked again {time.monotonic() - back:.1f} s after the broker came back")


def poked(client: Client) -> bool:
    """Whether one more job, with the poke it sends, is started soon."""
    job_id = client.submit("quick")
    try:
        client.wait(job_id, "succeeded", seconds=3)
    except AssertionError:
        return False
    return True


def bring_back(broker: Server, how: signal.Signals) -> None:
    if how is signal.SIGSTOP:
        broker.signal(signal.SIGCONT)
    else:
        broker.start()
