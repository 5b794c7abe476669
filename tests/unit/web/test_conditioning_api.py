"""Conditioning items over HTTP: a model says what it takes, and what is asked for is checked before it is queued."""

import io
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.simulated_worker import SimulatedWorker
from vidgen.spec import ConditioningRules
from vidgen_models.estimators import EstimatorManifest
from vidgen_models.registry import ModelRegistry
from vidgen_models.shelf import Shelf

JOBS, UPLOADS = "/api/v1/jobs", "/api/v1/uploads"
RULES = ConditioningRules(
    controls=("canny", "flow"), camera="flow", camera_axes=("pan", "zoom"), mask=True, ends=True, flow_full=0.1
)


@pytest.fixture(autouse=True)
def led(settings: Any, app: Flask) -> None:  # noqa: ARG001 - the folders are there with the app
    """A model like the shipped one that takes conditioning items."""
    shipped = ModelRegistry().get("sprites-64")
    rules = shipped.rules.model_copy(update={"conditioning": RULES})
    Shelf(settings.added_models).put(shipped.model_copy(update={"id": "led", "memory": (), "rules": rules}))


def upload(client: FlaskClient, name: str, content: bytes) -> dict[str, Any]:
    return {"upload_id": client.post(UPLOADS, data={"file": (io.BytesIO(content), name)}).get_json()["id"]}


@pytest.fixture
def clip(client: FlaskClient) -> dict[str, Any]:
    """9 frames of 64×64 at 8 a second."""
    return upload(client, "a.mp4", b"\0\0\0\x18ftypmp42 clip")


@pytest.fixture
def picture(client: FlaskClient) -> dict[str, Any]:
    return upload(client, "a.png", b"\x89PNG picture")


def post(client: FlaskClient, **fields: Any) -> tuple[int, dict[str, Any]]:
    answer = client.post(JOBS, json={"prompt": "a cat", "model": "led", "num_frames": 9, **fields})
    return answer.status_code, answer.get_json()


def test_a_models_rules_say_what_it_takes(client: FlaskClient) -> None:
    rules = client.get("/api/v1/models/led").get_json()["rules"]["conditioning"]
    assert rules["controls"] == ["canny", "flow"]
    assert (rules["camera"], rules["camera_axes"], rules["trajectories"]) == ("flow", ["pan", "zoom"], None)


def test_items_are_queued_with_their_numbers_filled_in(client: FlaskClient, clip: dict, picture: dict) -> None:
    controls = [{"kind": "canny", "video": clip}, {"kind": "canny", "video": picture, "weight": 0.5, "end": 0.6}]
    status, job = post(client, controls=controls, camera={"preset": "zoom-in"}, prefix={"video": clip, "frames": 1})
    assert status == 202, job
    spec = job["spec"]
    assert [control["weight"] for control in spec["controls"]] == [1.0, 0.5]
    assert (spec["camera"]["zoom"], spec["camera"]["preset"], spec["prefix"]["frames"]) == (3.0, None, 1)


def test_what_cannot_be_is_refused_before_it_is_queued(client: FlaskClient, clip: dict, picture: dict) -> None:
    """Fails when `check_media` leaves out controls: tried (the short clip and the picture were queued)."""
    canny = {"kind": "canny", "video": clip}
    for fields, field, code in (
        ({"controls": [{**canny, "video": {"upload_id": "upl_none"}}]}, "controls.0.video", "media_not_found"),
        ({"controls": [canny], "num_frames": 13}, "controls.0.video", "invalid_spec"),
        ({"controls": [{"kind": "flow", "video": picture}]}, "controls.0.video", "media_kind"),
        ({"prefix": {"video": picture}}, "prefix.video", "media_kind"),
        ({"video": clip, "mask": {"media": clip}, "num_frames": 13}, "num_frames", "invalid_spec"),
        ({"camera": {"tilt": 2}}, "camera.tilt", "invalid_spec"),
        ({"camera": {"pan": 12}}, "camera.pan", "invalid_request"),
        ({"camera": {"orbit": 2}, "model": "sprites-64"}, "camera.orbit", "invalid_spec"),
    ):
        status, problem = post(client, **fields)
        assert (status, problem["code"]) == (422, code), problem
        assert [it["field"].removeprefix("text-to-video.") for it in problem["errors"]] == [field], problem
    assert client.get(JOBS).get_json()["items"] == []


def test_the_nearest_length_is_told_where_a_control_is_too_short(client: FlaskClient, clip: dict) -> None:
    _, problem = post(client, controls=[{"kind": "canny", "video": clip}], num_frames=17)
    assert problem["errors"][0]["nearest"] == [9]


def test_a_finished_job_says_what_its_frames_do(client: FlaskClient, worker: SimulatedWorker) -> None:
    """Beside what was asked. Fails when the route reads another artifact: tried (404). The control: a job without."""
    measured = {"axes": {"pan": {"requested": 3.0, "measured": 2.7, "over_time": [2.7]}}, "fit": 0.9}
    for told in ({"camera": [measured]}, None):
        _, job = post(client, camera={"pan": 3})
        assert client.get(f"{JOBS}/{job['id']}/conditioning").status_code == 404
        worker.succeed(worker.claim(), conditioning=told)
        answer = client.get(f"{JOBS}/{job['id']}/conditioning")
        assert (answer.status_code, answer.get_json() if told else told) == (200 if told else 404, told)
        kinds = [artifact["kind"] for artifact in client.get(f"{JOBS}/{job['id']}").get_json()["artifacts"]]
        assert ("conditioning" in kinds) == (told is not None)


def test_a_control_video_is_a_job_of_its_own(client: FlaskClient, clip: dict) -> None:
    def process(**step: Any) -> tuple[int, dict[str, Any]]:
        answer = client.post(
            JOBS, json={"task": "process-video", "video": clip, "post": [{"step": "draw-control", **step}]}
        )
        return answer.status_code, answer.get_json()

    status, job = process(kind="flow", smoothing=0.5, width=64, height=64)
    assert (status, job["spec"]["post"][0]["kind"]) == (202, "flow")
    status, problem = process(kind="depth")
    assert (status, problem["errors"][0]["field"]) == (422, "post.0.kind")


def test_depth_is_drawn_from_a_clip_once_a_network_for_it_is_added(
    client: FlaskClient, clip: dict, settings: Any
) -> None:
    """While the service runs. Fails when the app keeps the estimators that it found at its start: tried."""
    follow = {"model": "sprites-64", "controls": [{"kind": "depth", "video": clip}]}
    preview = {"task": "process-video", "video": clip, "post": [{"step": "draw-control", "kind": "depth"}]}
    status, problem = post(client, **follow)
    assert (status, problem["errors"][0]["field"]) == (422, "controls.0.drawn")
    assert client.post(JOBS, json=preview).status_code == 422
    Shelf(settings.added_models).put_estimator(
        EstimatorManifest(
            id="seer",
            kind="depth",
            network="DPTForDepthEstimation",
            revision="1",
            folder="/models/seer",
            files={"model.safetensors": 64 * "0"},
        )
    )
    assert client.get("/api/v1/models/sprites-64").get_json()["rules"]["conditioning"]["estimated"] == ["depth"]
    status, job = post(client, **follow)
    assert (status, job["spec"]["controls"][0]["drawn"]) == (202, False)
    answer = client.post(JOBS, json=preview)
    assert answer.status_code == 202
    assert client.get(f"{JOBS}/{answer.get_json()['id']}").status_code == 200
