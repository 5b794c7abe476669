"""A request that is sent again with its Idempotency-Key makes nothing new."""

import io

import pytest
from flask.testing import FlaskClient

from tests.simulated_worker import SimulatedWorker
from vidgen.jobs.outbound.addresses import AddressRefused
from vidgen_web import submission

JOBS = "/api/v1/jobs"
PROMPT = {"prompt": "a cat moves left"}
PNG = b"\x89PNG picture"


def test_the_same_idempotency_key_queues_one_job(client: FlaskClient) -> None:
    headers = {"Idempotency-Key": "once"}
    first = client.post(JOBS, json=PROMPT, headers=headers)
    again = client.post(JOBS, json=PROMPT, headers=headers)
    other = client.post(JOBS, json={"prompt": "something else"}, headers=headers)
    assert first.get_json()["id"] == again.get_json()["id"]
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert (other.status_code, other.get_json()["code"]) == (422, "idempotency_mismatch")
    assert len(client.get(JOBS).get_json()["items"]) == 1


def test_what_was_accepted_once_stays_accepted_though_its_receiver_is_refused_now(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fails when the receiver's address is checked before the replay is looked for: tried, it was a 422."""
    monkeypatch.setattr(submission, "check_url", lambda *_: None)
    body = {**PROMPT, "callback_url": "https://hooks.example/in"}
    first = client.post(JOBS, json=body, headers={"Idempotency-Key": "once"})

    def refuse(*_: object) -> None:
        raise AddressRefused("hooks.example is a private address now")

    monkeypatch.setattr(submission, "check_url", refuse)
    again = client.post(JOBS, json=body, headers={"Idempotency-Key": "once"})
    assert (again.status_code, again.get_json()["id"]) == (202, first.get_json()["id"])
    assert client.post(JOBS, json=body, headers={"Idempotency-Key": "twice"}).status_code == 422


def test_a_replayed_form_keeps_one_upload(client: FlaskClient, worker: SimulatedWorker) -> None:
    ids = set()
    for _ in range(2):
        form = {"prompt": "hop", "image": (io.BytesIO(PNG), "cat.png")}
        ids.add(client.post(JOBS, data=form, headers={"Idempotency-Key": "k"}).get_json()["id"])
    assert len(ids) == 1
    assert len(list(worker.plane.store.folders("uploads"))) == 1
