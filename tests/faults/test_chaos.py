"""Promises 1 and 2: whatever is killed, a job that was accepted ends, once, and is announced.

`VIDGEN_FAULT_SEED=… VIDGEN_FAULT_ROUNDS=… make test-faults` repeats a run: the same jobs, the same strikes.
"""

import json
import random
import threading
from pathlib import Path

import pytest

from tests.faults.backends import Backend
from tests.faults.chaos import Chaos
from tests.faults.client import Client
from tests.faults.conftest import Say
from tests.faults.fleet import fleet
from tests.faults.invariants import check_invariants, rows
from tests.faults.rounds import fault_rounds, fault_seed
from tests.faults.worker_process import wait_until
from tests.jobs_fixtures import control_plane
from tests.receiver import Receiver, receiver
from vidgen.jobs.service import ControlPlane

pytestmark = [pytest.mark.faults, pytest.mark.slow]

LEASE_SECONDS = 3.0
JOBS_A_ROUND = 4
# so many that no number of strikes uses them up; the limit itself has tests of its own (test_poison.py)
ENOUGH_ATTEMPTS = 1000


def submit_jobs(client: Client, seed: int, count: int, callback_url: str, stop: threading.Event) -> None:
    """What a busy client does meanwhile: jobs of all lengths, half of them with a callback, some cancelled."""
    rng = random.Random(seed)
    for _ in range(count):
        if stop.wait(rng.uniform(0.1, 1.2)):
            return
        prompt = rng.choice(["quick", "slow 0.5", "slow 1.5", "slow 3", "broken", "memory"])
        fields = {"callback_url": callback_url} if rng.random() < 0.5 else {}
        job_id = client.submit(f"{prompt}", **fields)
        if rng.random() < 0.2:
            client.cancel(job_id)


@pytest.mark.timeout(7200)
def test_no_accepted_job_is_lost_and_each_ends_once(on: Backend, tmp_path: Path, say: Say) -> None:
    """Fails when nobody requeues the jobs of silent workers: tried, they had not ended after three minutes.

    That each invariant would notice what it forbids is shown by test_invariants.py at every run.
    """
    seed, rounds = fault_seed(), fault_rounds()
    print(f"VIDGEN_FAULT_SEED={seed} VIDGEN_FAULT_ROUNDS={rounds}")
    settings = {"lease_seconds": LEASE_SECONDS, "heartbeat_seconds": 1.0, "max_attempts": ENOUGH_ATTEMPTS}
    with (
        control_plane(tmp_path, broker_url=on.broker_url, **settings) as plane,
        receiver() as hooks,
        fleet(plane) as running,
    ):
        running.web()
        running.worker()
        running.worker()
        client = Client(running.base)
        wait_until(client.is_ready, 180, "the web server")
        stop = threading.Event()
        arguments = (client, seed, rounds * JOBS_A_ROUND, hooks.url, stop)
        busy = threading.Thread(target=submit_jobs, args=arguments, daemon=True)
        busy.start()
        chaos = Chaos(running, on, random.Random(seed), LEASE_SECONDS, client.is_ready)
        try:
            for _ in range(rounds):
                chaos.strike()
            chaos.recover()
            busy.join(900)
            assert not busy.is_alive(), "the client did not get through"
        finally:
            stop.set()
        ended = "SELECT count(*) FROM jobs WHERE status IN ('queued', 'running')"
        wait_until(lambda: rows(plane, ended) == [(0,)], 300, "the end of every job")
        check_invariants(plane, client.accepted, client.cancelled)
        every_callback_arrives(plane, hooks)
        attempts = sum(attempt for (attempt,) in rows(plane, "SELECT attempt FROM jobs"))
        say(
            f"seed {seed}, {rounds} strikes {dict(chaos.counted)}, {chaos.kills} kills, {len(client.accepted)} jobs, "
            f"lost 0, {attempts} attempts, {len(client.cancelled)} cancels, "
            f"{running.logged('lease lost; work dropped')} fenced writes, {len(client.errors)} requests repeated"
        )


def every_callback_arrives(plane: ControlPlane, hooks: Receiver) -> None:
    """At least once, always under the same id, and it tells the status that the job has."""
    # a dispatcher that died over a delivery holds it for a minute; that minute is over now
    with plane.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE outbox SET next_at = 0 WHERE status = 'pending'")
    left = "SELECT count(*) FROM outbox WHERE status <> 'delivered'"
    wait_until(lambda: rows(plane, left) == [(0,)], 120, "the delivery of every callback")
    ids: dict[str, set[str]] = {}
    told: dict[str, str] = {}
    for hook in hooks.received:
        body = json.loads(hook.body)
        ids.setdefault(body["data"]["id"], set()).add(hook.headers["webhook-id"])
        told[body["data"]["id"]] = body["data"]["status"]
    assert told == dict(rows(plane, "SELECT id, status FROM jobs WHERE callback_url IS NOT NULL"))
    assert all(len(seen) == 1 for seen in ids.values())
