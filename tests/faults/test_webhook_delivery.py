"""Promise 13: every event reaches its receiver at least once, signed, under one id, whatever breaks on the way.

The receiver answers a fifth with 500, hangs, resets connections; the dispatchers are killed at random. Time is made to
pass by moving what waits closer, as nobody waits for the real schedule.

Fails when a delivery is lost with its dispatcher: tried by marking it delivered when it is taken. Fails when an attempt
has an id of its own: tried by drawing a new one in `take`. Fails without a signature of the right secret: tried by
signing with the service's own.
"""

import contextlib
import json
import os
import random
import socket
import struct
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from sqlalchemy import update
from sqlmodel import col
from standardwebhooks import Webhook

from tests.faults.conftest import Say
from tests.faults.rounds import fault_rounds, fault_seed
from tests.faults.worker_process import ROOT, runner_environment
from tests.jobs_fixtures import control_plane, queue_job
from tests.receiver import Received, Receiver, receiver
from vidgen.jobs.database.session import writing
from vidgen.jobs.database.tables import OutboxRow
from vidgen.jobs.service import ControlPlane

pytestmark = pytest.mark.faults

SEED = fault_seed()
EVENTS, KILLS = 10 * fault_rounds(), 2 * fault_rounds()
DISPATCHERS = 2
PATIENCE = 1.0
QUIET = 2 * PATIENCE


class Moody:
    """How the receiver answers, by chance; `accepted` are the requests that it said 200 to."""

    def __init__(self, state: Receiver) -> None:
        self._state, self._chance, self._lock = state, random.Random(SEED), threading.Lock()
        self.accepted: list[Received] = []
        self.moods: dict[str, int] = defaultdict(int)
        self.over = threading.Event()
        state.act = self._answer

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        with self._lock:
            mood = self._chance.choices(["good", "500", "hang", "reset"], [60, 20, 10, 10])[0]
            self.moods[mood] += 1
            if mood == "good":
                headers = {name.lower(): value for name, value in handler.headers.items()}
                self.accepted += [it for it in self._state.received if it.headers == headers][-1:]
        if mood == "reset":
            # nothing lingers: the other side sees a reset and not an end
            handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return
        if mood == "hang":
            self.over.wait(PATIENCE * 3)
        with contextlib.suppress(OSError):
            handler.send_response(500 if mood == "500" else 200)
            handler.send_header("Content-Length", "0")
            handler.end_headers()


@contextlib.contextmanager
def dispatchers(plane: ControlPlane) -> Iterator["list[subprocess.Popen[bytes]]"]:
    """Real processes on the plane's database; the list may change, and whoever is on it in the end is killed."""
    running = [start(plane) for _ in range(DISPATCHERS)]
    try:
        yield running
    finally:
        for process in running:
            process.kill()
            process.wait()


def start(plane: ControlPlane) -> "subprocess.Popen[bytes]":
    settings = plane.settings
    environment = {
        **os.environ,
        "PYTHONPATH": runner_environment(),
        "VIDGEN_DATA_DIR": str(settings.data_dir),
        "VIDGEN_DATABASE_URL": settings.resolved_database_url,
        "VIDGEN_WEBHOOK_SECRET": settings.webhook_secret,
        "VIDGEN_WEBHOOK_ALLOW_PRIVATE": ",".join(settings.webhook_allow_private),
    }
    command = [sys.executable, "-m", "tests.faults.dispatcher_process", str(PATIENCE)]
    return subprocess.Popen(command, env=environment, cwd=ROOT)


def somebody_calls(to: Receiver) -> bool:
    """Wait for the next request; False when none comes although every attempt must be over."""
    before, end = len(to.received), time.monotonic() + QUIET
    while len(to.received) == before and time.monotonic() < end:
        time.sleep(0.01)
    return len(to.received) > before


def pass_time(plane: ControlPlane) -> None:
    """What waits for its next attempt is due."""
    with writing(plane.engine) as session:
        waiting = update(OutboxRow).where(col(OutboxRow.status) == "pending", col(OutboxRow.attempts) > 0)
        session.execute(waiting.values(next_at=0.0))


def test_every_event_arrives_under_one_id(tmp_path: Path, say: Say) -> None:
    chance = random.Random(SEED)
    with control_plane(tmp_path) as plane, receiver() as to:
        moody = Moody(to)
        endpoint = plane.endpoints.create(to.url)
        jobs = {plane.jobs.cancel(queue_job(plane).id).id for _ in range(EVENTS)}
        promised = {it.event_id for it in plane.deliveries.list(endpoint.id, limit=EVENTS).items}
        kills, end = 0, time.monotonic() + 900
        with dispatchers(plane) as running:
            while waiting := plane.deliveries.list(endpoint.id, status="pending", limit=EVENTS).items:
                assert time.monotonic() < end, f"seed {SEED}: {len(waiting)} deliveries still wait"
                if not somebody_calls(to):
                    pass_time(plane)
                elif kills < KILLS:
                    # in the middle of an attempt
                    victim = chance.randrange(len(running))
                    running[victim].kill()
                    running[victim].wait()
                    running[victim], kills = start(plane), kills + 1
        moody.over.set()
        final = plane.deliveries.list(endpoint.id, limit=EVENTS).items
    assert kills == KILLS
    assert {it.status for it in final} == {"delivered"}
    by_id: dict[str, set[bytes]] = defaultdict(set)
    assert endpoint.secret is not None
    for request in to.received:
        Webhook(endpoint.secret).verify(request.body, dict(request.headers))
        by_id[request.headers["webhook-id"]].add(request.body)
    assert set(by_id) == promised
    assert all(len(bodies) == 1 for bodies in by_id.values())
    accepted = {json.loads(it.body)["data"]["id"] for it in moody.accepted}
    assert accepted == jobs
    lost = sum(not it.log[n].seconds for it in final for n in range(len(it.log)))
    say(
        f"seed {SEED}: {EVENTS} events, {kills} kills, {len(to.received)} requests {dict(moody.moods)}, "
        f"{lost} attempts cut short, lost = {len(jobs - accepted)}"
    )
