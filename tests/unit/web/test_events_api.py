"""Event streams: snapshot, numbered replay, an end, and a bound on their number."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.simulated_worker import SimulatedWorker
from vidgen.jobs.service import ControlPlane
from vidgen_web.api import events
from vidgen_web.services import EXTENSION, STREAMS, Services

Message = tuple[int, str, dict[str, Any]]


def messages(chunks: Iterator[bytes]) -> Iterator[Message]:
    """Parsed events of a stream; comments and `retry` are skipped."""
    for chunk in chunks:
        lines = dict(line.split(": ", 1) for line in chunk.decode().strip().splitlines() if not line.startswith(":"))
        if "event" in lines:
            yield int(lines["id"]), lines["event"], json.loads(lines["data"])


@pytest.fixture
def job_id(client: FlaskClient) -> str:
    return str(client.post("/api/v1/jobs", json={"prompt": "x"}).get_json()["id"])


def test_one_job_is_followed_to_its_end(client: FlaskClient, worker: SimulatedWorker, job_id: str) -> None:
    with client.get(f"/api/v1/jobs/{job_id}/events") as answer:
        assert answer.content_type.startswith("text/event-stream")
        stream = messages(answer.iter_encoded())
        number, kind, job = next(stream)
        assert (kind, job["status"]) == ("snapshot", "queued")
        worker.run(steps=2)
        rest = list(stream)
    kinds = [kind for _, kind, _ in rest]
    assert kinds == ["job.running", "job.progress", "job.progress", "job.succeeded"]
    numbers = [number, *(n for n, _, _ in rest)]
    assert numbers == sorted(set(numbers))
    last = rest[-1][2]
    assert last["artifacts"][0]["url"].startswith("/api/v1/artifacts/art_")


def test_repairs_of_joints_are_told_as_they_happen(client: FlaskClient, worker: SimulatedWorker, job_id: str) -> None:
    """Fails when the event holds the job alone: tried."""
    repair = {"chunk": 2, "attempt": "reroll", "number": 4002, "seed": 7, "score": 1.5, "failed": ["colour"]}
    with client.get(f"/api/v1/jobs/{job_id}/events") as answer:
        stream = messages(answer.iter_encoded())
        next(stream)
        claim = worker.claim()
        worker.plane.jobs.tell_repair(claim, repair)
        worker.succeed(claim)
        told = {kind: data for _, kind, data in stream}
    assert told["job.repair"]["repair"] == repair
    assert (told["job.repair"]["id"], told["job.repair"]["status"]) == (job_id, "running")
    assert "repair" not in told["job.succeeded"]


def test_a_lost_connection_misses_nothing(client: FlaskClient, worker: SimulatedWorker, job_id: str) -> None:
    url = f"/api/v1/jobs/{job_id}/events"
    with client.get(url) as answer:
        first = next(messages(answer.iter_encoded()))[0]
    worker.run(steps=1)
    with client.get(url, headers={"Last-Event-ID": str(first)}) as answer:
        replayed = list(messages(answer.iter_encoded()))
    assert [kind for _, kind, _ in replayed] == ["job.running", "job.progress", "job.succeeded"]
    with client.get(url, headers={"Last-Event-ID": str(replayed[-1][0])}) as answer:
        assert answer.status_code == 204


def test_a_finished_job_is_one_snapshot(client: FlaskClient, worker: SimulatedWorker, job_id: str) -> None:
    worker.run()
    with client.get(f"/api/v1/jobs/{job_id}/events") as answer:
        assert [kind for _, kind, _ in messages(answer.iter_encoded())] == ["snapshot"]


def test_all_jobs_are_followed_by_one_stream(client: FlaskClient, worker: SimulatedWorker, job_id: str) -> None:
    with client.get("/api/v1/events") as answer:
        stream = messages(answer.iter_encoded())
        _, _, snapshot = next(stream)
        assert [job["id"] for job in snapshot["jobs"]] == [job_id]
        other = client.post("/api/v1/jobs", json={"prompt": "y"}).get_json()["id"]
        assert [(kind, job["id"]) for _, kind, job in [next(stream)]] == [("job.queued", other)]
        worker.run(steps=0)
        assert [(kind, job["id"]) for _, kind, job in [next(stream), next(stream)]] == [
            ("job.running", job_id),
            ("job.succeeded", job_id),
        ]


def test_the_snapshot_holds_more_than_a_page(
    client: FlaskClient, worker: SimulatedWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "SNAPSHOT_PAGE", 2)
    made = {client.post("/api/v1/jobs", json={"prompt": "x"}).get_json()["id"] for _ in range(5)}
    worker.claim()
    with client.get("/api/v1/events") as answer:
        _, _, snapshot = next(messages(answer.iter_encoded()))
    assert sorted(job["id"] for job in snapshot["jobs"]) == sorted(made)
    assert snapshot["jobs"][0]["status"] == "running"


def test_the_stream_of_a_deleted_job_ends(
    client: FlaskClient, plane: ControlPlane, job_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "KEEP_ALIVE_SECONDS", 0.0)
    with client.get(f"/api/v1/jobs/{job_id}/events") as answer:
        stream = answer.iter_encoded()
        next(stream), next(stream)
        assert next(stream) == b": keep-alive\n\n"
        plane.jobs.cancel(job_id)
        plane.jobs.delete(job_id)
        # the default is for the end; without one, the stream goes on with keep-alives
        assert next(stream, None) is None


def test_quiet_streams_are_kept_alive(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "KEEP_ALIVE_SECONDS", 0.0)
    with client.get("/api/v1/events") as answer:
        stream = answer.iter_encoded()
        next(stream), next(stream)
        assert next(stream) == b": keep-alive\n\n"


def test_streams_are_bounded_and_given_back(client: FlaskClient) -> None:
    opened = [client.get("/api/v1/events") for _ in range(STREAMS)]
    refused = client.get("/api/v1/events")
    assert (refused.status_code, refused.get_json()["code"]) == (503, "too_many_streams")
    assert int(refused.headers["Retry-After"]) > 0
    for answer in opened:
        answer.close()
    with client.get("/api/v1/events") as answer:
        assert answer.status_code == 200


def test_streams_end_when_the_server_stops(app: Flask, client: FlaskClient) -> None:
    services: Services = app.extensions[EXTENSION]
    with client.get("/api/v1/events") as answer:
        stream = answer.iter_encoded()
        next(stream), next(stream)
        services.stopping.set()
        assert list(stream) == []


@pytest.mark.parametrize("number", ["x", "-1", "1" * 30, "٣"])
def test_event_numbers_are_numbers(client: FlaskClient, number: str) -> None:
    headers = {"Last-Event-ID": number.encode().decode("latin-1")}
    assert client.get("/api/v1/events", headers=headers).get_json()["code"] == "bad_request"
