"""Jobs that are made from files, uploads and artifacts, over HTTP."""

import io

import pytest
from flask.testing import FlaskClient
from sqlalchemy.exc import OperationalError

from tests.simulated_worker import SimulatedWorker
from vidgen.errors import VidgenError
from vidgen.jobs.service import ControlPlane

JOBS = "/api/v1/jobs"
PROMPT = {"prompt": "a cat moves left"}
PNG = b"\x89PNG picture"
MP4 = b"\0\0\0\x18ftypmp42 clip"


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


def test_form_references_name_an_artifact_and_its_frame(client: FlaskClient, worker: SimulatedWorker) -> None:
    client.post(JOBS, json={**PROMPT, "num_frames": 5})
    video = client.get(f"{JOBS}/{worker.run()}").get_json()["artifacts"][0]
    form = {"image.artifact_id": video["id"], "image.frame": "-1", "prompt": "on"}
    job = client.post(JOBS, data=form).get_json()
    assert job["spec"]["image"] == {"upload_id": None, "artifact_id": video["id"], "frame": -1}
    beyond = client.post(JOBS, json={"image": {"artifact_id": video["id"], "frame": 5}})
    error = beyond.get_json()["errors"][0]
    assert (error["field"], error["nearest"]) == ("image.frame", [4])
    before = client.post(JOBS, json={"image": {"artifact_id": video["id"], "frame": -9}})
    assert before.get_json()["errors"][0]["nearest"] == [-5]


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
