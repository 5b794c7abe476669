"""Priorities, deadlines, edits, moves, stops, memory and the queue's switch over HTTP."""

from datetime import UTC, datetime, timedelta

import pytest
from flask.testing import FlaskClient

from tests.simulated_worker import SimulatedWorker
from vidgen.jobs.service import ControlPlane
from vidgen.jobs.views import Capacity

JOBS, QUEUE = "/api/v1/jobs", "/api/v1/queue"
PROMPT = {"prompt": "a cat moves left"}


def add(client: FlaskClient, **fields: object) -> str:
    answer = client.post(JOBS, json={**PROMPT, **fields})
    assert answer.status_code == 202, answer.get_data(as_text=True)
    return str(answer.get_json()["id"])


def test_terms_are_accepted_beside_the_spec(client: FlaskClient) -> None:
    moment = (datetime.now(UTC) + timedelta(hours=1)).replace(microsecond=0)
    job = client.get(f"{JOBS}/{add(client, priority=9, start_by=moment.isoformat())}").get_json()
    assert (job["priority"], datetime.fromisoformat(job["start_deadline"])) == (9, moment)
    form = client.post(JOBS, data={"prompt": "x", "priority": "0", "start_within_seconds": "60"}).get_json()
    assert form["priority"] == 0
    wait = datetime.fromisoformat(form["start_deadline"]) - datetime.fromisoformat(form["created_at"])
    assert wait == timedelta(seconds=60)
    assert client.get(f"{JOBS}/{add(client)}").get_json()["priority"] == 5


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        ({"priority": 10}, "priority"),
        ({"priority": -1}, "priority"),
        ({"priority": "high"}, "priority"),
        ({"start_within_seconds": 0}, "start_within_seconds"),
        ({"start_within_seconds": 1e12}, "start_within_seconds"),
        ({"start_by": "2026-01-01T00:00:00"}, "start_by"),
        ({"start_by": "2020-01-01T00:00:00Z"}, "start_by"),
        ({"start_by": "0001-01-01T00:00:00+14:00"}, "start_by"),
        ({"start_by": "9999-12-31T23:59:59-23:59"}, "start_by"),
        ({"start_by": "2099-01-01T00:00:00Z", "start_within_seconds": 5}, ""),
    ],
)
def test_wrong_terms_are_named(client: FlaskClient, terms: dict[str, object], field: str) -> None:
    """Fails when the last moment of a calendar is taken, which no answer can show, or the forecast asks less: tried."""
    answer = client.post(JOBS, json={**PROMPT, **terms})
    assert answer.status_code == 422
    assert answer.get_json()["errors"][0]["field"] == field
    assert client.get(JOBS).get_json()["items"] == []
    told = client.post(f"{JOBS}/forecast", json={**PROMPT, **terms})
    assert (told.status_code, told.get_json()["errors"][0]["field"]) == (422, field)


def test_other_terms_are_another_body(client: FlaskClient) -> None:
    """Fails when the terms are left out of `body_hash`: tried, the second request was told of the first job."""
    headers = {"Idempotency-Key": "k"}
    assert client.post(JOBS, json=PROMPT, headers=headers).status_code == 202
    assert client.post(JOBS, json=PROMPT, headers=headers).headers["Idempotent-Replayed"] == "true"
    other = client.post(JOBS, json={**PROMPT, "priority": 9}, headers=headers)
    assert other.get_json()["code"] == "idempotency_mismatch"


def test_an_edit_is_checked_as_a_new_job_is(client: FlaskClient) -> None:
    job_id = add(client, seed=3)
    url = f"{JOBS}/{job_id}"
    done = client.patch(url, json={"spec": {"num_frames": 21, "seed": None}, "priority": 7})
    assert done.status_code == 200
    job = done.get_json()
    assert (job["spec"]["num_frames"], job["spec"]["prompt"], job["priority"]) == (21, PROMPT["prompt"], 7)
    assert isinstance(job["spec"]["seed"], int)
    assert client.get(url).get_json() == job
    for body, code in (
        ({"spec": {"num_frames": 20}}, "invalid_spec"),
        ({"spec": {"model": "none"}}, "unknown_model"),
        ({"spec": {"prompts": "x"}}, "invalid_request"),
        ({"spec": {"task": "image-to-video", "image": {"upload_id": "upl_none"}}}, "media_not_found"),
        ({"priority": 11}, "invalid_request"),
        ({"unheard": 1}, "invalid_request"),
    ):
        refused = client.patch(url, json=body)
        assert (refused.status_code, refused.get_json()["code"]) == (422, code)
    assert client.get(url).get_json() == job


def test_a_deadline_is_given_and_taken_away(client: FlaskClient) -> None:
    url = f"{JOBS}/{add(client)}"
    assert client.patch(url, json={"start_within_seconds": 60}).get_json()["start_deadline"]
    assert client.patch(url, json={"priority": 6}).get_json()["start_deadline"]
    assert client.patch(url, json={"start_by": None}).get_json()["start_deadline"] is None


def test_an_edit_of_what_has_changed_meanwhile_is_refused(client: FlaskClient) -> None:
    url = f"{JOBS}/{add(client)}"
    seen = client.get(url).headers["ETag"]
    first = client.patch(url, json={"priority": 7}, headers={"If-Match": seen})
    assert first.status_code == 200
    assert first.headers["ETag"] != seen
    second = client.patch(url, json={"priority": 8}, headers={"If-Match": seen})
    assert (second.status_code, second.get_json()["code"]) == (412, "version_mismatch")
    assert client.get(url).get_json()["priority"] == 7
    assert client.patch(url, json={"priority": 8}, headers={"If-Match": "*"}).status_code == 200


def test_a_running_job_is_never_edited(client: FlaskClient, worker: SimulatedWorker) -> None:
    job_id = add(client)
    worker.claim()
    for answer in (
        client.patch(f"{JOBS}/{job_id}", json={"spec": {"num_frames": 21}}),
        client.patch(f"{JOBS}/{job_id}", json={"priority": 9}),
        client.post(f"{JOBS}/{job_id}/move"),
    ):
        assert (answer.status_code, answer.get_json()["code"]) == (409, "job_not_queued")
    assert client.get(f"{JOBS}/{job_id}").get_json()["spec"]["num_frames"] == 17


def test_moves(client: FlaskClient) -> None:
    a, b, c = add(client), add(client), add(client)
    assert client.post(f"{JOBS}/{c}/move").get_json()["queue_position"] == 1
    assert client.post(f"{JOBS}/{a}/move", json={"before": b}).get_json()["queue_position"] == 2
    assert client.post(f"{JOBS}/{a}/move", json={"before": "job_none"}).status_code == 404
    assert client.post(f"{JOBS}/{a}/move", json={"after": b}).get_json()["code"] == "invalid_request"


def test_the_length_is_edited_in_any_of_the_ways_it_can_be_said(client: FlaskClient) -> None:
    """Fails when the resolved `long` of the old length is kept: tried, the way back to one window was refused."""
    url = f"{JOBS}/{add(client)}"
    for fields, frames, chunked in (
        ({"num_frames": 49}, 49, True),
        ({"seconds": 8}, 65, True),
        ({"num_frames": 13}, 13, False),
        ({"segments": [{"prompt": "a cat", "frames": 21}, {"prompt": "a dog", "frames": 20}]}, 41, True),
    ):
        answer = client.patch(url, json={"spec": fields})
        assert answer.status_code == 200, answer.get_json()
        spec = answer.get_json()["spec"]
        assert (spec["num_frames"], spec["long"] is not None) == (frames, chunked)


def test_an_edit_names_the_job_that_the_clip_is_made_from_now(client: FlaskClient, worker: SimulatedWorker) -> None:
    """Fails when an edit leaves `source_job_id` as it was: tried."""
    sources = []
    for _ in range(2):
        add(client)
        sources.append(client.get(f"{JOBS}/{worker.run()}").get_json())
    ref = [{"artifact_id": source["artifacts"][0]["id"]} for source in sources]
    url = f"{JOBS}/{add(client, video=ref[0], num_frames=13)}"
    assert client.get(url).get_json()["source_job_id"] == sources[0]["id"]
    edited = client.patch(url, json={"spec": {"video": ref[1]}}).get_json()
    assert edited["source_job_id"] == sources[1]["id"]
    assert client.patch(url, json={"spec": {"prompt": "a dog"}}).get_json()["source_job_id"] == sources[1]["id"]


def test_stops(client: FlaskClient, worker: SimulatedWorker) -> None:
    job_id = add(client)
    assert client.post(f"{JOBS}/{job_id}/stop").get_json()["code"] == "job_not_running"
    worker.claim()
    refused = client.post(f"{JOBS}/{job_id}/stop")
    assert (refused.status_code, refused.get_json()["code"]) == (422, "not_chunked")
    long_id = add(client, num_frames=49)
    claim = worker.claim()
    assert client.post(f"{JOBS}/{long_id}/stop").get_json()["stop_requested"] is True
    assert worker.plane.jobs.wishes(claim).stop


def test_what_no_worker_can_hold_is_refused(client: FlaskClient, plane: ControlPlane) -> None:
    plane.presence.beat("small", None, Capacity("cpu", 535))
    for path in (JOBS, f"{JOBS}/forecast"):
        answer = client.post(path, json={**PROMPT, "num_frames": 25})
        assert (answer.status_code, answer.get_json()["code"]) == (422, "does_not_fit")
        assert answer.get_json()["errors"][0]["nearest"] == [13]
    fitting = add(client, num_frames=13)
    edited = client.patch(f"{JOBS}/{fitting}", json={"spec": {"num_frames": 25}})
    assert edited.get_json()["code"] == "does_not_fit"
    memory = client.post(f"{JOBS}/forecast", json={**PROMPT, "num_frames": 13}).get_json()["memory_mb"]
    assert memory["cpu"]["low"] <= 535 < memory["cpu"]["full"]
    plane.presence.beat("large", None, Capacity("cpu", 4000))
    add(client, num_frames=25)


def test_the_switch(client: FlaskClient, plane: ControlPlane) -> None:
    add(client)
    plane.presence.beat("w", None, Capacity("cpu", 4000))
    paused = client.post(f"{QUEUE}/pause", json={"reason": "cleaning"}).get_json()
    assert (paused["paused"], paused["reason"], paused["queued"], paused["idle_workers"]) == (True, "cleaning", 1, 1)
    assert client.get(QUEUE).get_json() == paused
    ready = client.get("/readyz").get_json()
    assert (ready["status"], ready["checks"]["queue"]) == ("degraded", "paused"), "the reason is not for the public"
    assert plane.jobs.claim("w", 60) is None
    add(client)
    assert client.post(f"{QUEUE}/resume").get_json()["paused"] is False
    assert plane.jobs.claim("w", 60) is not None
    assert client.post(f"{QUEUE}/pause").get_json()["reason"] is None
    assert client.post(f"{QUEUE}/pause", json={"reason": "x" * 201}).get_json()["code"] == "invalid_request"


def test_a_job_that_nobody_takes_says_why(client: FlaskClient, plane: ControlPlane) -> None:
    from tests.unit.jobs.line.test_watchdog import change_row

    job_id = add(client)
    assert client.get(f"{JOBS}/{job_id}").get_json()["problem"] is None
    change_row(plane, job_id, run_after=1000.0)
    plane.watchdog.look()
    problem = client.get(f"{JOBS}/{job_id}").get_json()["problem"]
    assert problem == {"code": "no_workers", "message": "no worker is running"}
    assert client.get("/readyz").get_json()["checks"]["queue"] == "1 jobs are not taken"
