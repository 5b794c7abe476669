"""LoRAs trained over HTTP: a job of its own kind, its forecast, its page, and what is refused."""

import io
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.simulated_worker import SimulatedWorker

JOBS, UPLOADS = "/api/v1/jobs", "/api/v1/uploads"
MP4 = b"\0\0\0\x18ftypmp42 clip"


@pytest.fixture
def clip(client: FlaskClient) -> dict[str, Any]:
    """An upload of 9 frames of 64×64 at 8 a second."""
    answer = client.post(UPLOADS, data={"file": (io.BytesIO(MP4), "a.mp4")}).get_json()
    return {"upload_id": answer["id"]}


def body(clip: dict[str, Any], **fields: Any) -> dict[str, Any]:
    asked = {"task": "train-lora", "name": "mine", "clips": [{"video": clip}], "prompt": "a red cat", "num_frames": 9}
    return asked | fields


def test_a_training_is_a_job_of_its_own(client: FlaskClient, clip: dict[str, Any], worker: SimulatedWorker) -> None:
    forecast = client.post(f"{JOBS}/forecast", json=body(clip, steps=100)).get_json()
    longer = client.post(f"{JOBS}/forecast", json=body(clip, steps=1000)).get_json()
    assert longer["seconds"] > 2 * forecast["seconds"] > 0
    answer = client.post(JOBS, json=body(clip))
    assert answer.status_code == 202, answer.get_json()
    job = answer.get_json()
    assert (job["task"], job["model"], job["spec"]["steps"]) == ("train-lora", "sprites-64", 200)
    assert job["spec"]["seed"] is not None
    claim = worker.claim()
    assert claim.spec.task == "train-lora"
    # pages and lists that know clips show it too
    for page in ("/", f"/jobs/{job['id']}", f"/?reuse={job['id']}"):
        assert client.get(page).status_code == 200, page
    assert client.get(JOBS).get_json()["items"][0]["id"] == job["id"]
    assert client.get("/v1/videos").status_code == 200
    assert client.post(f"{JOBS}/{job['id']}/cancel").status_code in (200, 202)


def test_a_queued_training_is_edited_and_checked_again(client: FlaskClient, clip: dict[str, Any]) -> None:
    job = client.post(JOBS, json=body(clip)).get_json()
    changed = client.patch(f"{JOBS}/{job['id']}", json={"spec": {"steps": 30}})
    assert (changed.status_code, changed.get_json()["spec"]["steps"]) == (200, 30)
    assert client.patch(f"{JOBS}/{job['id']}", json={"spec": {"steps": 0}}).status_code == 422


@pytest.mark.parametrize(
    ("fields", "field", "told"),
    [
        ({"prompt": ""}, "clips", "clips.0.prompt: no caption"),
        ({"num_frames": 10}, "num_frames", "nearest are 9 and 13"),
        ({"num_frames": 13}, "clips.0.video", "holds 9 frames at 8 a second, and 13 of each are learned"),
        ({"clips": [{"video": {"upload_id": "upl_none"}}]}, "clips.0.video", "there is no such upload"),
        ({"clips": []}, "clips", ""),
        ({"name": "My Lora"}, "name", ""),
        ({"model": "nowhere"}, "model", "not installed"),
    ],
)
def test_what_cannot_be_learned_is_refused_by_name(
    client: FlaskClient, clip: dict[str, Any], fields: dict[str, Any], field: str, told: str
) -> None:
    """Fails when a training is queued that can only fail."""
    answer = client.post(JOBS, json=body(clip, **fields))
    problem = answer.get_json()
    assert answer.status_code in (404, 422), problem
    assert problem["errors"][0]["field"].startswith(field)
    assert told in problem["detail"]
