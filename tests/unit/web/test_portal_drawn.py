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
