"""The composer shows controls as they are drawn. The program that draws is a stand-in that tells what it was asked."""

import io
import json
import re
import sys

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.recipes import RECALL
from tests.unit.web.conftest import FAKE_INGEST
from tests.unit.web.portal_forms import send
from vidgen.jobs.settings import Settings
from vidgen_models.estimators import EstimatorManifest
from vidgen_models.registry import ModelRegistry
from vidgen_models.shelf import Shelf
from vidgen_web import create_app
from vidgen_web.services import EXTENSION

CLIP = b"\0\0\0\x18ftypmp42 clip"
# writes its arguments where the picture is expected, or refuses
PROGRAM = """
import json, sys
file, out, kind = sys.argv[1:4]
if kind == "flow":
    print(json.dumps({"error": {"code": "invalid_spec", "message": "no frame has a subject"}}))
    sys.exit(2)
open(out, "w").write(json.dumps([open(file, "rb").read().decode("latin1"), *sys.argv[3:]]))
print("{}")
"""


@pytest.fixture
def app(settings: Settings):
    ingest = (sys.executable, str(FAKE_INGEST))
    app = create_app(
        settings, ingest_command=ingest, recall_command=RECALL, draw_command=(sys.executable, "-c", PROGRAM)
    )
    yield app
    app.extensions[EXTENSION].engine.dispose()


@pytest.fixture
def shown(client: FlaskClient) -> str:
    """The composer with a clip in the slot of a control."""
    files = {"controls.0.video": (io.BytesIO(CLIP), "mine.mp4")}
    return send(client, "/composer", **{"section.motion": "1", "controls.0.smoothing": "0.5"}, **files)[1]


def test_the_composer_shows_what_a_control_looks_like(client: FlaskClient, shown: str) -> None:
    """As large and as fast as the job. Fails when the slot's clip itself is shown: tried."""
    figure = re.search(r'data-drawn="controls\.0"([^>]*)>\s*<img alt="[^"]+" src="([^"]+)"', shown)
    assert figure is not None
    assert "hidden" not in figure[1]
    answer = client.get(figure[2].replace("&amp;", "&"))
    assert (answer.status_code, answer.mimetype) == (200, "image/jpeg")
    assert json.loads(answer.data) == [CLIP.decode("latin1"), "canny", "64", "64", "8", "0.5"]


def test_what_cannot_be_drawn_is_told(app: Flask, client: FlaskClient, shown: str) -> None:  # noqa: ARG001
    upload = re.search(r'name="controls\.0\.video\.upload_id" value="([^"]+)"', shown)[1]
    size = {"width": "64", "height": "64", "fps": "8", "kind": "canny"}
    for query, status in (
        ({**size, "upload_id": upload}, 200),
        ({**size, "upload_id": upload, "kind": "flow"}, 422),
        ({**size, "upload_id": "upl_none"}, 404),
        (size, 404),
        ({**size, "upload_id": upload, "width": "99999"}, 422),
        ({**size, "upload_id": upload, "kind": "nonsense"}, 422),
    ):
        assert client.get("/composer/drawn", query_string=query).status_code == status, query


def test_what_a_network_draws_is_drawn_by_a_job(app: Flask, client: FlaskClient, settings: Settings) -> None:
    """Where such a network was added; else a sentence says what to do. Fails when nothing is offered: tried."""
    shipped = ModelRegistry().get("sprites-64")
    rules = shipped.rules.conditioning.model_copy(update={"controls": ("depth", "canny")})
    model = shipped.model_copy(update={"id": "seeing", "memory": ()})
    led = model.rules.model_copy(update={"conditioning": rules})
    Shelf(settings.added_models).put(model.model_copy(update={"rules": led}))
    files = {"controls.0.video": (io.BytesIO(CLIP), "mine.mp4")}
    form = {"model": "seeing", "section.motion": "1", "controls.0.kind": "depth"}
    without = send(client, "/composer", **form, **files)[1]
    assert re.search(r'data-seen="depth" >\s*<p>No network that draws it is installed here', without)
    assert "Draw it now" not in without
    files = dict.fromkeys(("config.json", "model.safetensors"), "0" * 64)
    network = {"id": "eye", "kind": "depth", "network": "DPTForDepthEstimation", "revision": "1", "folder": "/nowhere"}
    Shelf(settings.added_models).put_estimator(EstimatorManifest.model_validate({**network, "files": files}))
    offered = send(client, "/composer", **form)[1]
    assert "Draw it now" in offered
    upload = re.search(r'name="controls\.0\.video\.upload_id" value="([^"]+)"', without)[1]
    drawn = {**form, "draw": "0", "prompt": "kept", "controls.0.video.upload_id": upload, "controls.0.smoothing": "0.5"}
    status, page = send(client, "/composer/draw", **drawn)
    assert status == 200, re.findall(r"class=.wrong.[^>]*>([^<]+)", page)
    (job,) = app.extensions[EXTENSION].jobs.list().items
    (step,) = job.spec.post
    assert (status, job.task, step.kind, step.smoothing, step.width) == (200, "process-video", "depth", 0.5, 64)
    assert ">kept</textarea>" in page
    status, page = send(client, "/composer/draw", **{**drawn, "controls.0.video.upload_id": ""})
    assert (status, 'id="controls.0.video-error"' in page, "choose a clip first" in page) == (422, True, True)
