"""Queueing, reading and ending jobs over HTTP."""

import io
import threading
import time
from dataclasses import replace
from types import SimpleNamespace

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.exc import OperationalError

from tests.simulated_worker import SimulatedWorker
from vidgen.errors import ModelError, VidgenError
from vidgen.jobs.addresses import AddressRefused
from vidgen.jobs.service import ControlPlane
from vidgen_web import submission
from vidgen_web.api import schemas
from vidgen_web.removal import preferred_wait
from vidgen_web.services import EXTENSION
from vidgen_web.terms import Terms

JOBS = "/api/v1/jobs"
PROMPT = {"prompt": "a cat moves left"}
PNG = b"\x89PNG picture"
MP4 = b"\0\0\0\x18ftypmp42 clip"


def test_a_job_is_accepted_resolved_and_found_at_its_location(client: FlaskClient) -> None:
    answer = client.post(JOBS, json=PROMPT)
    assert answer.status_code == 202
    job = client.get(answer.headers["Location"]).get_json()
    assert job["status"] == "queued"
    assert job["queue_position"] == 1
    assert job["spec"]["num_frames"] == 17
    assert isinstance(job["spec"]["seed"], int)
    assert job["model_revision"]


def test_a_wrong_frame_count_is_answered_with_the_nearest_valid_ones(client: FlaskClient) -> None:
    answer = client.post(JOBS, json={**PROMPT, "num_frames": 20})
    assert answer.status_code == 422
    assert answer.content_type == "application/problem+json"
    problem = answer.get_json()
    assert problem["code"] == "invalid_spec"
    assert problem["errors"] == [
        {
            "field": "num_frames",
            "message": "num_frames=20: this model needs 4k+1 from 5 to 961; nearest are 17 and 21",
            "nearest": [17, 21],
        }
    ]


@pytest.mark.parametrize(
    ("body", "field", "nearest"),
    [
        ({"guidance_scale": 99}, "guidance_scale", [8.0]),
        ({"num_inference_steps": 0}, "num_inference_steps", [1]),
        ({"video": {"upload_id": "upl_x"}, "strength": 1.5}, "strength", [1.0]),
        ({"width": 65}, "width", [64]),
        ({"prompts": "typo"}, "prompts", None),
        ({"model": "nothing-here"}, "model", None),
        ({"task": "image-to-video"}, "image", None),
        ({"task": "text-to-music"}, "", None),
        ({"image": {"upload_id": "upl_x", "artifact_id": "art_x"}}, "image", None),
        ({"callback_url": "ftp://example.org"}, "callback_url", None),
        ({"callback_url": 7}, "callback_url", None),
        ({"image": {"upload_id": "upl_missing"}}, "image", None),
        ({"video": {"artifact_id": "art_missing"}}, "video", None),
    ],
)
def test_what_is_wrong_is_named(
    client: FlaskClient, body: dict[str, object], field: str, nearest: list[float] | None
) -> None:
    answer = client.post(JOBS, json=body)
    assert answer.status_code == 422
    (error,) = answer.get_json()["errors"]
    assert error["field"] == field
    assert error.get("nearest") == nearest
    assert client.get(JOBS).get_json()["items"] == []


def test_bodies_that_are_not_json_objects_are_refused(client: FlaskClient) -> None:
    assert client.post(JOBS, data="{", content_type="application/json").get_json()["code"] == "invalid_json"
    assert client.post(JOBS, data="[]", content_type="application/json").get_json()["code"] == "invalid_json"
    nan = client.post(JOBS, data='{"guidance_scale": NaN}', content_type="application/json")
    assert nan.get_json()["code"] == "invalid_json"
    deep = client.post(JOBS, data="[" * 60000, content_type="application/json")
    assert deep.get_json()["code"] == "invalid_json"


def test_other_content_types_are_415_and_large_bodies_413(client: FlaskClient) -> None:
    assert client.post(JOBS, data="hello", content_type="text/plain").status_code == 415
    large = client.post(JOBS, data=b'{"prompt": "' + b"a" * 70000 + b'"}', content_type="application/json")
    assert large.status_code == 413
    assert large.get_json()["code"] == "body_too_large"


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


def test_a_full_queue_says_when_to_come_back(client: FlaskClient) -> None:
    for _ in range(5):
        assert client.post(JOBS, json=PROMPT).status_code == 202
    answer = client.post(JOBS, json=PROMPT)
    assert (answer.status_code, answer.get_json()["code"]) == (429, "queue_full")
    assert int(answer.headers["Retry-After"]) > 0


def test_forms_take_plain_fields_and_files(client: FlaskClient) -> None:
    form = {"prompt": "hop", "num_frames": "9", "seed": "", "image": (io.BytesIO(PNG), "c:/temp/cat.png")}
    job = client.post(JOBS, data=form).get_json()
    assert job["task"] == "image-to-video"
    assert job["spec"]["num_frames"] == 9
    upload = client.get(f"/api/v1/uploads/{job['spec']['image']['upload_id']}").get_json()
    assert upload["kind"] == "image"
    assert upload["filename"] == "cat.png"


def test_forms_take_the_spec_as_json_beside_files(client: FlaskClient) -> None:
    form = {"spec": '{"prompt": "hop", "strength": 0.5}', "video": (io.BytesIO(MP4), "clip.mp4")}
    job = client.post(JOBS, data=form).get_json()
    assert job["task"] == "video-to-video"
    assert job["spec"]["strength"] == 0.5


def test_a_refused_job_leaves_no_upload_behind(client: FlaskClient, worker: SimulatedWorker) -> None:
    form = {"spec": '{"num_frames": 20}', "image": (io.BytesIO(PNG), "cat.png")}
    assert client.post(JOBS, data=form).status_code == 422
    # a picture where a clip is wanted shows only once the file was read
    form = {"spec": "{}", "video": (io.BytesIO(PNG), "cat.png")}
    assert client.post(JOBS, data=form).get_json()["code"] == "media_kind"
    assert list(worker.plane.store.folders("uploads")) == []


def test_a_replayed_form_keeps_one_upload(client: FlaskClient, worker: SimulatedWorker) -> None:
    ids = set()
    for _ in range(2):
        form = {"prompt": "hop", "image": (io.BytesIO(PNG), "cat.png")}
        ids.add(client.post(JOBS, data=form, headers={"Idempotency-Key": "k"}).get_json()["id"])
    assert len(ids) == 1
    assert len(list(worker.plane.store.folders("uploads"))) == 1


def test_form_references_name_an_artifact_and_its_frame(client: FlaskClient, worker: SimulatedWorker) -> None:
    client.post(JOBS, json={**PROMPT, "num_frames": 5})
    video = client.get(f"{JOBS}/{worker.run()}").get_json()["artifacts"][0]
    form = {"image.artifact_id": video["id"], "image.frame": "-1", "prompt": "on"}
    job = client.post(JOBS, data=form).get_json()
    assert job["spec"]["image"] == {"upload_id": None, "artifact_id": video["id"], "frame": -1}
    beyond = client.post(JOBS, json={"image": {"artifact_id": video["id"], "frame": 5}})
    assert beyond.get_json()["errors"][0]["field"] == "image.frame"


def test_a_restyle_is_as_long_as_its_source_allows(client: FlaskClient, worker: SimulatedWorker) -> None:
    client.post(JOBS, json={**PROMPT, "num_frames": 9})
    source = {"artifact_id": client.get(f"{JOBS}/{worker.run()}").get_json()["artifacts"][0]["id"]}
    fitting = client.post(JOBS, json={**PROMPT, "video": source})
    assert (fitting.status_code, fitting.get_json()["spec"]["num_frames"]) == (202, 9)
    longer = client.post(JOBS, json={**PROMPT, "video": source, "num_frames": 13})
    assert longer.status_code == 422
    assert longer.get_json()["errors"][0]["nearest"] == [9]


def test_receipts_are_no_media(client: FlaskClient, worker: SimulatedWorker) -> None:
    client.post(JOBS, json=PROMPT)
    artifacts = client.get(f"{JOBS}/{worker.run()}").get_json()["artifacts"]
    receipt = next(a for a in artifacts if a["kind"] == "receipt")
    answer = client.post(JOBS, json={"image": {"artifact_id": receipt["id"]}})
    assert answer.get_json()["code"] == "media_kind"


def test_lists_page_by_cursor_and_filter_by_status(client: FlaskClient) -> None:
    ids = [client.post(JOBS, json=PROMPT).get_json()["id"] for _ in range(3)]
    client.post(f"{JOBS}/{ids[0]}/cancel")
    first = client.get(f"{JOBS}?limit=2").get_json()
    rest = client.get(JOBS, query_string={"limit": 2, "cursor": first["next_cursor"]}).get_json()
    assert [job["id"] for job in first["items"] + rest["items"]] == ids[::-1]
    assert rest["next_cursor"] is None
    assert [job["id"] for job in client.get(f"{JOBS}?status=cancelled").get_json()["items"]] == ids[:1]


@pytest.mark.parametrize(
    ("query", "code", "status"),
    [
        ("limit=0", "invalid_request", 422),
        ("limit=x", "invalid_request", 422),
        ("status=lost", "invalid_request", 422),
        ("page=2", "invalid_request", 422),
        ("cursor=%00", "invalid_cursor", 400),
        ("cursor=abc", "invalid_cursor", 400),
    ],
)
def test_wrong_queries_are_refused(client: FlaskClient, query: str, code: str, status: int) -> None:
    answer = client.get(f"{JOBS}?{query}")
    assert (answer.status_code, answer.get_json()["code"]) == (status, code)


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


@pytest.mark.parametrize(
    ("error", "kept"),
    [
        (OperationalError("COMMIT", {}, Exception("server closed the connection unexpectedly")), 1),
        (OperationalError("INSERT", {}, Exception("database or disk is full")), 0),
        (VidgenError("no room", code="queue_full"), 0),
    ],
    ids=["nobody knows", "disk full", "refused"],
)
def test_a_file_stays_when_nobody_knows_whether_its_job_was_queued(
    client: FlaskClient, plane: ControlPlane, monkeypatch: pytest.MonkeyPatch, error: Exception, kept: int
) -> None:
    """A commit may come through though its answer does not. Fails when every error removes the upload: tried."""

    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("vidgen.jobs.repository.JobRepository.create", fail)
    form = {**PROMPT, "image": (io.BytesIO(PNG), "a.png")}
    assert client.post(JOBS, data=form, content_type="multipart/form-data").status_code >= 400
    assert len(list(plane.store.folders("uploads"))) == kept
    assert len(plane.uploads.older_than(-60)) == kept


def test_words_that_the_model_does_not_know_are_remarked_on(app: Flask, client: FlaskClient) -> None:
    """Fails when nothing is said, and when a replay needs the model again."""
    body, headers = {"prompt": "a unicorn moves left"}, {"Idempotency-Key": "k"}
    made = client.post(JOBS, json=body, headers=headers).get_json()
    assert [(it["field"], it["code"], it["words"]) for it in made["warnings"]] == [
        ("prompt", "unknown_words", ["unicorn"])
    ]
    assert client.post(f"{JOBS}/forecast", json=body).get_json()["warnings"] == made["warnings"]
    assert client.post(JOBS, json=PROMPT).get_json()["warnings"] == []
    found = app.extensions[EXTENSION]
    app.extensions[EXTENSION] = replace(found, models=SimpleNamespace(get=raise_unknown))
    again = client.post(JOBS, json=body, headers=headers)
    assert (again.status_code, again.get_json()["id"], again.get_json()["warnings"]) == (202, made["id"], [])


def raise_unknown(model_id: str) -> None:
    raise ModelError(f"model={model_id}: not installed", code="unknown_model")


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


def test_a_running_job_shows_its_steps_and_is_asked_to_stop(client: FlaskClient, worker: SimulatedWorker) -> None:
    job_id = client.post(JOBS, json=PROMPT).get_json()["id"]
    claim = worker.claim()
    worker.step(claim, 3, 10)
    job = client.get(f"{JOBS}/{job_id}").get_json()
    assert (job["step"], job["total_steps"], job["stage"]) == (3, 10, "denoising")
    worker.step(claim, 4, 10, chunk=(2, 5))
    job = client.get(f"{JOBS}/{job_id}").get_json()
    assert (job["chunk"], job["total_chunks"]) == (2, 5)
    asked = client.post(f"{JOBS}/{job_id}/cancel").get_json()
    assert (asked["status"], asked["cancel_requested"]) == ("running", True)


def test_previews_carry_a_changing_etag(client: FlaskClient, worker: SimulatedWorker) -> None:
    job_id = client.post(JOBS, json=PROMPT).get_json()["id"]
    assert client.get(f"{JOBS}/{job_id}/preview").status_code == 404
    claim = worker.claim()
    worker.step(claim, 1, 4)
    url = client.get(f"{JOBS}/{job_id}").get_json()["preview_url"]
    first = client.get(url)
    assert first.content_type == "image/jpeg"
    assert client.get(url, headers={"If-None-Match": first.headers["ETag"]}).status_code == 304
    worker.step(claim, 2, 4)
    assert client.get(url, headers={"If-None-Match": first.headers["ETag"]}).status_code == 200


def test_what_does_not_exist_is_a_404_problem(client: FlaskClient) -> None:
    for method, path in [
        ("GET", ""),
        ("GET", "/events"),
        ("GET", "/preview"),
        ("POST", "/cancel"),
        ("POST", "/retry"),
        ("DELETE", ""),
    ]:
        answer = client.open(f"{JOBS}/job_missing{path}", method=method)
        assert (answer.status_code, answer.get_json()["code"]) == (404, "not_found")


def test_a_forecast_grows_with_the_work_and_the_queue(client: FlaskClient) -> None:
    def forecast(**fields: object) -> dict[str, float]:
        answer = client.post(f"{JOBS}/forecast", json={**PROMPT, **fields})
        assert answer.status_code == 200
        return dict(answer.get_json())

    few, many = forecast(num_inference_steps=10), forecast(num_inference_steps=100)
    assert few["seconds"] < many["seconds"]
    assert few["queue_seconds"] == 0
    assert few["disk_free_bytes"] > few["disk_bytes"] > 0
    client.post(JOBS, json=PROMPT)
    assert forecast()["jobs_ahead"] == 1
    assert forecast()["queue_seconds"] > 0
    assert client.post(f"{JOBS}/forecast", json={"num_frames": 20}).status_code == 422


def test_a_forecast_learns_from_what_jobs_took(client: FlaskClient, worker: SimulatedWorker) -> None:
    body = {**PROMPT, "num_inference_steps": 100}
    before = client.post(f"{JOBS}/forecast", json=body).get_json()
    client.post(JOBS, json=body)
    worker.run(steps=0)  # at once, so much faster than the manifest says
    after = client.post(f"{JOBS}/forecast", json=body).get_json()
    assert (before["measured_jobs"], after["measured_jobs"]) == (0, 1)
    assert after["seconds"] < before["seconds"]


def test_callbacks_must_be_urls_that_may_be_called(client: FlaskClient) -> None:
    answer = client.post(JOBS, json={**PROMPT, "callback_url": "https://me:secret@example.org/"})
    assert (answer.status_code, answer.get_json()["code"]) == (422, "url_refused")
    allowed = client.post(JOBS, json={**PROMPT, "callback_url": "https://example.org/hook"})
    assert allowed.get_json()["callback_url"] == "https://example.org/hook"


def test_wire_specs_are_the_specs_plus_a_callback() -> None:
    beside = {"callback_url", *Terms.model_fields}
    assert set(schemas.TextToVideoRequest.model_fields) - beside == set(schemas.TextToVideo.model_fields)
