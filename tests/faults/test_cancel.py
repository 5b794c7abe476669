"""Promise 7: a cancel works whatever the job is doing and whoever is up; the device is free within ten seconds."""

import threading
import time
from pathlib import Path

import pytest

from tests.faults.backends import ONE, Backend
from tests.faults.client import Client
from tests.faults.conftest import Say
from tests.faults.fleet import all_dead
from tests.faults.invariants import check_invariants, rows
from tests.faults.running_service import running_service
from tests.faults.worker_process import wait_until
from vidgen.jobs.settings import Settings

pytestmark = [pytest.mark.faults, pytest.mark.parametrize("servers", ONE, indirect=True)]

FREE_SECONDS = 10.0
# the times that an operator gets who sets nothing
DEFAULTS = {name: Settings.model_fields[name].default for name in ("cancel_grace_seconds", "poll_seconds")}
LEASE_SECONDS = 3.0
RACES = 12


def test_a_queued_job_is_cancelled_though_no_worker_is_up(on: Backend, tmp_path: Path) -> None:
    """Fails when the cancel is only asked for and left to a worker: tried."""
    with running_service(on, tmp_path, workers=0) as up:
        job_id = up.client.submit("quick")
        assert up.client.cancel(job_id)["status"] == "cancelled"
        up.fleet.worker()
        up.client.wait(up.client.submit("quick"), "succeeded")
        assert rows(up.plane, "SELECT job_id FROM job_events WHERE kind = 'job.running'") != [(job_id,)]
        assert up.client.get(job_id)["attempts"] == 0
        check_invariants(up.plane, up.client.accepted, up.client.cancelled)


def test_a_running_job_frees_the_device_within_ten_seconds(on: Backend, tmp_path: Path, say: Say) -> None:
    """A render that heeds neither the cancel nor SIGTERM, with the default settings. Fails when the grace is ten
    seconds (the runner then dies after eleven), and when the runner is not killed at its end: tried."""
    with running_service(on, tmp_path, **DEFAULTS) as up:
        job_id = up.client.submit("stubborn")
        wait_until(lambda: up.client.get(job_id)["progress"] > 0, 30, "the render")
        runner = up.fleet.workers[0].family()[1:]
        assert len(runner) == 1
        started = time.monotonic()
        assert up.client.cancel(job_id)["status"] == "running"
        wait_until(lambda: all_dead(runner), 30, "the runner's end")
        free = time.monotonic() - started
        up.client.wait(job_id, "cancelled")
        up.client.wait(up.client.submit("quick"), "succeeded")
        check_invariants(up.plane, up.client.accepted, up.client.cancelled)
        assert free < FREE_SECONDS
        say(f"a stubborn render was gone {free:.1f} s after the cancel")


def test_a_running_job_whose_worker_died_is_cancelled_though_none_is_up(on: Backend, tmp_path: Path, say: Say) -> None:
    """Fails when only workers look after leases: tried."""
    with running_service(on, tmp_path, lease_seconds=LEASE_SECONDS) as up:
        job_id = up.client.submit("slow 60")
        wait_until(lambda: up.client.get(job_id)["progress"] > 0, 30, "the render")
        up.fleet.workers[0].kill()
        started = time.monotonic()
        assert up.client.cancel(job_id)["status"] == "running"
        up.client.wait(job_id, "cancelled")
        seconds = time.monotonic() - started
        check_invariants(up.plane, up.client.accepted, up.client.cancelled)
        assert seconds < LEASE_SECONDS + FREE_SECONDS
        say(f"lease {LEASE_SECONDS:g} s: cancelled {seconds:.1f} s after the worker died")


def test_no_job_succeeds_after_an_accepted_cancel(on: Backend, tmp_path: Path, say: Say) -> None:
    """Cancels that race with the end of the render. Fails when `succeed` does not look at the cancel: tried."""
    with running_service(on, tmp_path, workers=2) as up:
        threads = [threading.Thread(target=race, args=(up.client, n)) for n in range(RACES)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(240)
        for job_id in list(up.client.accepted):
            up.client.wait(job_id)
        check_invariants(up.plane, up.client.accepted, up.client.cancelled)
        ended = dict(rows(up.plane, "SELECT status, count(*) FROM jobs GROUP BY status"))
        assert set(ended) <= {"succeeded", "cancelled"}
        say(f"{RACES} races: {ended}")


def test_a_deleted_job_has_left_the_device(on: Backend, tmp_path: Path, say: Say) -> None:
    """DELETE of a running job: when it is answered, the render has ended, and record and files are gone.

    Fails when a worker ends the job before its runner has let go: tried."""
    with running_service(on, tmp_path) as up:
        job_id = up.client.submit("stubborn")
        wait_until(lambda: up.client.get(job_id)["progress"] > 0, 30, "the render")
        runner = up.fleet.workers[0].family()[1:]
        started = time.monotonic()
        assert up.client.remove(job_id) == 204
        seconds = time.monotonic() - started
        assert all_dead(runner)
        assert rows(up.plane, "SELECT id FROM jobs") == []
        # the worker sweeps its draft when it has let go
        wait_until(lambda: not any(job_id in path.name for path in up.plane.store.root.rglob("*")), 5, "the files' end")
        assert seconds < FREE_SECONDS
        say(f"a stubborn render was deleted in {seconds:.1f} s")


def test_an_accepted_deletion_needs_nobody_to_ask_again(on: Backend, tmp_path: Path) -> None:
    """A web process that promises to delete a running job and dies. Fails when workers leave it to that: tried."""
    with running_service(on, tmp_path) as up:
        job_id = up.client.submit("slow 60")
        wait_until(lambda: up.client.get(job_id)["progress"] > 0, 30, "the render")
        assert up.client.remove(job_id, Prefer="respond-async") == 202
        up.web.kill()
        wait_until(lambda: rows(up.plane, "SELECT id FROM jobs") == [], 30, "the job's removal")


def race(client: Client, n: int) -> None:
    job_id = client.submit(f"slow {0.3 + 0.02 * n}")
    client.wait(job_id, "running", "succeeded")
    time.sleep(0.05 * n)
    client.cancel(job_id)
