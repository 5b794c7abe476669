"""Steps and formats over HTTP: jobs that carry them, jobs that are nothing else, their forecast, and refusals."""

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update
from sqlmodel import col

from tests.simulated_worker import SimulatedWorker
from vidgen.jobs.database.session import writing
from vidgen.jobs.database.tables import ArtifactRow
from vidgen.jobs.service import ControlPlane
from vidgen_models.networks import NetworkRegistry
from vidgen_web.services import EXTENSION

JOBS, UPLOADS = "/api/v1/jobs", "/api/v1/uploads"
MP4 = b"\0\0\0\x18ftypmp42 clip"


@pytest.fixture
def clip(client: FlaskClient) -> dict[str, Any]:
    """An upload of 9 frames of 64×64 at 8 a second."""
    answer = client.post(UPLOADS, data={"file": (io.BytesIO(MP4), "a.mp4")}).get_json()
    return {"upload_id": answer["id"]}


def process(client: FlaskClient, clip: dict[str, Any], **fields: Any) -> tuple[int, dict[str, Any]]:
    answer = client.post(JOBS, json={"task": "process-video", "video": clip, **fields})
    return answer.status_code, answer.get_json()


def test_a_clip_is_processed_as_a_job_of_its_own(
    client: FlaskClient, clip: dict[str, Any], worker: SimulatedWorker
) -> None:
    steps = [{"step": "remove-background"}, {"step": "watermark", "text": "vidgen"}]
    status, job = process(client, clip, post=steps, output={"format": "webp"})
    assert (status, job["task"], job["model"]) == (202, "process-video", "post-processing")
    spec = job["spec"]
    assert (spec["width"], spec["num_frames"], spec["fps"], spec["output"]["codec"]) == (64, 9, 8.0, "webp")
    assert [step["step"] for step in spec["post"]] == ["remove-background", "watermark"]
    claim = worker.claim()
    assert claim.spec.task == "process-video"
    # pages and lists that know models show it too
    assert client.get("/").status_code == client.get(f"/jobs/{job['id']}").status_code == 200
    assert client.get(JOBS).get_json()["items"][0]["id"] == job["id"]
    assert client.get("/v1/videos").status_code == 200


def test_a_generating_job_carries_steps_and_a_format(client: FlaskClient) -> None:
    answer = client.post(JOBS, json={"prompt": "a cat", "post": [{"step": "sharpen"}], "output": {"format": "gif"}})
    assert answer.status_code == 202
    spec = answer.get_json()["spec"]
    assert (spec["post"][0]["amount"], spec["output"]["codec"]) == (0.8, "gif")


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        ({"post": [{"step": "remove-background"}]}, "output.format", "webm, gif, webp, prores, png do"),
        ({"post": [{"step": "watermark"}]}, "post.0", "give text or image"),
        ({"output": {"codec": "av1", "quality": "lossless"}}, "output.quality", "nearest is high"),
        ({"width": 32}, "width", "the source has 64"),
        ({"post": [{"step": "blur"}]}, "post.0.step", "sharpen"),
        ({"post": [{"step": "sharpen", "amount": 9}]}, "post.0.amount", "may be at most 3"),
        ({"post": [{"step": "watermark", "image": {"upload_id": "upl_none"}}]}, "post.0.image", "no such upload"),
    ],
)
def test_refusals_name_the_field_and_what_would_do(
    client: FlaskClient, clip: dict[str, Any], fields: dict[str, Any], field: str, words: str
) -> None:
    status, problem = process(client, clip, **fields)
    assert status == 422
    told = [(it["field"], it["message"]) for it in problem["errors"]] or [(field, problem["detail"])]
    assert [name for name, message in told if words in message] == [field], problem


def test_the_forecast_counts_steps_and_formats(client: FlaskClient, clip: dict[str, Any]) -> None:
    """Fails when the forecast forgets the steps: tried."""

    def asked(**fields: Any) -> dict[str, Any]:
        body = {"prompt": "a cat", "width": 64, "height": 64, "num_frames": 961, **fields}
        return dict(client.post(f"{JOBS}/forecast", json=body).get_json())

    plain, keyed = asked(), asked(post=[{"step": "remove-background"}], output={"format": "png"})
    assert keyed["seconds"] > plain["seconds"] + 0.5
    assert keyed["disk_bytes"] > 3 * plain["disk_bytes"]
    alone = client.post(f"{JOBS}/forecast", json={"task": "process-video", "video": clip}).get_json()
    assert 0 < alone["seconds"] < plain["seconds"]


def test_an_edit_may_name_another_clip(client: FlaskClient, clip: dict[str, Any]) -> None:
    _, job = process(client, clip)
    changed = client.patch(f"{JOBS}/{job['id']}", json={"spec": {"post": [{"step": "sharpen"}]}})
    assert changed.status_code == 200, changed.get_json()
    assert changed.get_json()["spec"]["post"][0]["step"] == "sharpen"


@pytest.fixture
def networks(app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the only networks that the app knows; empty."""
    folder = tmp_path / "networks"
    folder.mkdir()
    monkeypatch.setattr("vidgen_models.networks.SHIPPED_NETWORKS", folder)
    app.extensions[EXTENSION] = replace(app.extensions[EXTENSION], networks=NetworkRegistry())
    return folder


MANIFEST = """
id = "{kind}"
kind = "{kind}"
name = "A network"
revision = "1"
licence = "Apache-2.0"
description = "For a test."
scale = 2
file = "/nowhere"
sha256 = "00"
seconds_per_megapixel = 5.0
"""
LARGER = [{"step": "interpolate", "factor": 4}, {"step": "upscale", "factor": 4}]


@pytest.mark.usefixtures("networks")
def test_steps_need_their_networks_when_they_are_asked_for(client: FlaskClient, clip: dict[str, Any]) -> None:
    status, problem = process(client, clip, post=LARGER)
    assert (status, problem["code"], problem["errors"][0]["field"]) == (422, "unknown_model", "post.0")
    assert "no such network is installed" in problem["detail"]


def test_the_forecast_knows_what_networks_cost(client: FlaskClient, clip: dict[str, Any], networks: Path) -> None:
    """36 frames of 256×256 after both passes, a quarter of that after the first, and 33 of 64×64 interpolated."""
    for kind in ("interpolation", "upscaling"):
        (networks / f"{kind}.toml").write_text(MANIFEST.format(kind=kind))
    body = {"task": "process-video", "video": clip}
    plain, larger = (
        client.post(f"{JOBS}/forecast", json={**body, "post": post}).get_json()["seconds"] for post in ([], LARGER)
    )
    megapixels = 33 * 256 * 256 / 1e6 * 1.25 + 33 * 64 * 64 / 1e6
    assert larger - plain == pytest.approx(5 * megapixels, abs=0.4)
    status, problem = process(
        client, clip, post=[{"step": "interpolate", "factor": 8}, {"step": "interpolate", "factor": 8}]
    )
    assert (status, problem["errors"][0]["field"], problem["errors"][0]["nearest"]) == (422, "post.1.factor", [2])


def test_the_portal_shows_what_browsers_do_not_play_as_a_picture(
    client: FlaskClient, worker: SimulatedWorker, plane: ControlPlane
) -> None:
    """An animation plays by itself; of a zip of pictures the poster is shown."""
    job = client.post(JOBS, json={"prompt": "x", "num_frames": 5}).get_json()["id"]
    artifacts = {it["kind"]: it["id"] for it in client.get(f"{JOBS}/{worker.run()}").get_json()["artifacts"]}
    shown = {}
    for kind in ("video/mp4", "image/gif", "application/zip"):
        with writing(plane.engine) as session:
            session.execute(
                update(ArtifactRow).where(col(ArtifactRow.id) == artifacts["video"]).values(content_type=kind)
            )
        page = client.get(f"/?job={job}").get_data(as_text=True)
        shown[kind] = ('id="player"' in page, "data-scrub" in page, f'artifacts/{artifacts["video"]}"' in page)
    assert shown["video/mp4"] == (True, True, True)
    assert shown["image/gif"] == (False, False, True)
    assert shown["application/zip"][:2] == (False, False)
