"""Queueing and reading jobs over HTTP."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.simulated_worker import SimulatedWorker
from vidgen.errors import ModelError
from vidgen_web.api import schemas
from vidgen_web.services import EXTENSION
from vidgen_web.terms import Terms

JOBS = "/api/v1/jobs"
PROMPT = {"prompt": "a cat moves left"}


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
        ({"prompts": "typo"}, "prompts", ["prompt"]),
        ({"model": "nothing-here"}, "model", None),
        ({"task": "image-to-video"}, "image", None),
        ({"task": "text-to-vidoe"}, "task", ["text-to-video"]),
        ({"camera": {"pan": 11}}, "camera.pan", [10]),
        ({"strength": 0.5}, "strength", None),
        ({"image": {"upload_id": "upl_x", "artifact_id": "art_x"}}, "image", None),
        ({"callback_url": "ftp://example.org"}, "callback_url", None),
        ({"callback_url": 7}, "callback_url", None),
        ({"image": {"upload_id": "upl_missing"}}, "image", None),
        ({"video": {"artifact_id": "art_missing"}}, "video", None),
    ],
)
def test_what_is_wrong_is_named(
    client: FlaskClient, body: dict[str, object], field: str, nearest: list[float | str] | None
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


def test_a_full_queue_says_when_to_come_back(client: FlaskClient) -> None:
    for _ in range(5):
        assert client.post(JOBS, json=PROMPT).status_code == 202
    answer = client.post(JOBS, json=PROMPT)
    assert (answer.status_code, answer.get_json()["code"]) == (429, "queue_full")
    assert int(answer.headers["Retry-After"]) > 0


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
    app.extensions[EXTENSION] = replace(
        found, models=SimpleNamespace(of=lambda _tenant: SimpleNamespace(get=raise_unknown))
    )
    again = client.post(JOBS, json=body, headers=headers)
    assert (again.status_code, again.get_json()["id"], again.get_json()["warnings"]) == (202, made["id"], [])


def test_a_camera_faster_than_the_models_is_remarked_on(client: FlaskClient) -> None:
    """With the speed that it has; the control: a speed within it. Fails when only words are remarked on: tried."""
    for camera, said in ({"pan": -10}, ["-2.4"]), ({"keys": [{"at": 0, "pan": 0}, {"at": 1, "pan": 9}]}, ["2.4"]):
        made = client.post(JOBS, json={**PROMPT, "camera": camera}).get_json()["warnings"]
        assert [(it["field"], it["code"], it["message"].split()[-1]) for it in made] == [
            ("camera.pan", "fastest_speed", speed) for speed in said
        ]
    fast, within = ({**PROMPT, "camera": {"pan": speed}} for speed in (10, 2))
    assert len(client.post(f"{JOBS}/forecast", json=fast).get_json()["warnings"]) == 1
    assert client.post(JOBS, json=within).get_json()["warnings"] == []


def raise_unknown(model_id: str) -> None:
    raise ModelError(f"model={model_id}: not installed", code="unknown_model")


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


def test_callbacks_must_be_urls_that_may_be_called(client: FlaskClient) -> None:
    answer = client.post(JOBS, json={**PROMPT, "callback_url": "https://me:secret@example.org/"})
    assert (answer.status_code, answer.get_json()["code"]) == (422, "url_refused")
    allowed = client.post(JOBS, json={**PROMPT, "callback_url": "https://example.org/hook"})
    assert allowed.get_json()["callback_url"] == "https://example.org/hook"


def test_wire_specs_are_the_specs_plus_a_callback() -> None:
    beside = {"callback_url", *Terms.model_fields}
    assert set(schemas.TextToVideoRequest.model_fields) - beside == set(schemas.TextToVideo.model_fields)
