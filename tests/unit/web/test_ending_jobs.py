"""Cancelling, retrying and deleting jobs over HTTP."""

import threading
import time

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.simulated_worker import SimulatedWorker
from vidgen.jobs.service import ControlPlane
from vidgen_web.removal import preferred_wait
from vidgen_web.services import EXTENSION

JOBS = "/api/v1/jobs"
PROMPT = {"prompt": "a cat moves left"}


def test_cancel_retry_and_delete(client: FlaskClient, worker: SimulatedWorker) -> None:
    job_id = client.post(JOBS, json=PROMPT).get_json()["id"]
    assert client.post(f"{JOBS}/{job_id}/retry").get_json()["code"] == "job_not_retryable"
    assert client.post(f"{JOBS}/{job_id}/cancel").get_json()["status"] == "cancelled"
    assert client.post(f"{JOBS}/{job_id}/cancel").get_json()["status"] == "cancelled"
    again = client.post(f"{JOBS}/{job_id}/retry")
    assert (again.status_code, again.get_json()["status"]) == (202, "queued")
    worker.run()
    assert client.delete(f"{JOBS}/{job_id}").status_code == 204
    assert client.get(f"{JOBS}/{job_id}").status_code == 404


def test_deleting_waits_until_the_worker_lets_go(
    client: FlaskClient, worker: SimulatedWorker, plane: ControlPlane
) -> None:
    """Fails when the answer does not wait, and when nothing is cancelled: tried."""
    job_id = client.post(JOBS, json=PROMPT).get_json()["id"]
    claim = worker.claim()
    worker.step(claim, 1, 4)

    def obey() -> None:
        while not plane.jobs.wishes(claim).cancel:
            time.sleep(0.02)
        plane.jobs.mark_cancelled(claim)

    thread = threading.Thread(target=obey, daemon=True)
    thread.start()
    answer = client.delete(f"{JOBS}/{job_id}")
    thread.join(10)
    assert (answer.status_code, answer.data) == (204, b"")
    assert client.get(f"{JOBS}/{job_id}").status_code == 404
    assert not plane.store.preview_path(job_id, claim.attempt).exists()


@pytest.mark.parametrize("prefer", ["respond-async", "wait=0", "Wait = 0", 'foo="bar", wait=0'])
def test_who_does_not_wait_is_told_that_it_goes_later(
    client: FlaskClient, worker: SimulatedWorker, plane: ControlPlane, prefer: str
) -> None:
    """Fails when nobody looks after discarded jobs, and when one of them can be queued again: tried."""
    job_id = client.post(JOBS, json=PROMPT).get_json()["id"]
    claim = worker.claim()
    answer = client.delete(f"{JOBS}/{job_id}", headers={"Prefer": prefer})
    assert (answer.status_code, answer.headers["Location"]) == (202, f"{JOBS}/{job_id}")
    told = answer.get_json()
    assert (told["status"], told["cancel_requested"], told["delete_requested"]) == ("running", True, True)
    assert plane.jobs.delete_discarded() == 0, "it is still at work"
    plane.jobs.mark_cancelled(claim)
    assert client.post(f"{JOBS}/{job_id}/retry").get_json()["code"] == "job_not_retryable"
    assert plane.jobs.delete_discarded() == 1
    assert client.get(f"{JOBS}/{job_id}").status_code == 404
    assert [entry.subject for entry in plane.audit.entries() if entry.action == "job.deleted"] == [job_id]


def test_only_some_may_wait(
    app: Flask, client: FlaskClient, worker: SimulatedWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each holds a thread of the server. Fails when the number is not bounded: tried."""
    job_id = client.post(JOBS, json=PROMPT).get_json()["id"]
    worker.claim()
    waits = app.extensions[EXTENSION].waits
    while waits.acquire(blocking=False):
        pass
    monkeypatch.setattr("vidgen.jobs.repository.JobRepository.get", lambda *_: pytest.fail("somebody waited"))
    assert client.delete(f"{JOBS}/{job_id}", headers={"Prefer": "wait=1"}).status_code == 202


@pytest.mark.parametrize(
    ("prefer", "seconds"),
    [(None, 15), ("wait=4", 4), ("wait=99", 30), ("wait=4; x, respond-async", 0), ("wait=-1", 15), ("wait=x", 15)],
)
def test_preferences_are_understood_or_ignored(prefer: str | None, seconds: float) -> None:
    assert preferred_wait(prefer) == seconds
