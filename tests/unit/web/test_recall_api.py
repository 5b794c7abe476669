"""POST /recall: a file in, the spec that made it out, and nothing else of the file."""

import io
import json

from flask.testing import FlaskClient

from tests.recipes import RECIPE, recipe_picture
from vidgen.jobs.settings import Settings

RECALL = "/api/v1/recall"


def send(client: FlaskClient, content: bytes) -> tuple[int, dict[str, object]]:
    answer = client.post(RECALL, data={"file": (io.BytesIO(content), "clip")})
    return answer.status_code, answer.get_json()


def test_a_file_says_how_it_was_made(client: FlaskClient, settings: Settings) -> None:
    status, recipe = send(client, recipe_picture())
    assert status == 200
    assert recipe["recipe"] == RECIPE.model_dump(mode="json")
    assert list((settings.data_dir / "incoming").iterdir()) == []
    queued = client.post("/api/v1/jobs", json=recipe["spec"])
    assert queued.status_code == 202
    assert queued.get_json()["spec"]["seed"] == RECIPE.spec.seed


def test_what_is_no_recipe_does_not_come_out(client: FlaskClient) -> None:
    """Fails when the child's answer is passed on as it is found: tried."""
    fields = json.loads(RECIPE.text())
    for text in ('{"home": "address"}', json.dumps({**fields, "home": "address"}), "[]", RECIPE.text()[:-1]):
        status, problem = send(client, recipe_picture(text))
        assert (status, problem["code"]) == (422, "no_recipe")
        assert "address" not in json.dumps(problem)


def test_other_files_are_refused(client: FlaskClient) -> None:
    for content in (b"hello", b"\x89PNG", b"PK\x03\x04", b"\0\0\0\x18ftypmp42", b"\x1a\x45\xdf\xa3", b"GIF89a"):
        assert send(client, content)[1]["code"] == "no_recipe"
    assert client.post(RECALL, json={}).status_code == 415
