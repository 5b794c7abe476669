"""/v1/videos: a request that is sent again with its Idempotency-Key makes nothing new."""

import io
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.datastructures import FileStorage

from tests.simulated_worker import SimulatedWorker
from tests.unit.web.videos_client import JOBS, PNG, PROMPT, VIDEOS, completed, refused
from vidgen_web.facade import translation


def test_repeating_a_request_with_its_key_makes_one_video(client: FlaskClient) -> None:
    headers = {"Idempotency-Key": "once"}
    ids = {client.post(VIDEOS, json=PROMPT, headers=headers).get_json()["id"] for _ in range(3)}
    assert len(ids) == 1
    assert refused(client, json={"prompt": "b"}, headers=headers)[:2] == (400, "idempotency_mismatch")


def test_a_video_is_replayed_though_its_source_is_gone(client: FlaskClient, worker: SimulatedWorker) -> None:
    """Fails when the source is looked for before the replay: tried, it was a 404."""
    source = completed(client, worker)
    reference = {**PROMPT, "video": {"id": source["id"]}}
    requests = {
        "remix": (f"{VIDEOS}/{source['id']}/remix", PROMPT),
        "edit": (f"{VIDEOS}/edits", reference),
        "extension": (f"{VIDEOS}/extensions", {**reference, "seconds": "2"}),
    }

    def ask(key: str) -> Any:
        path, body = requests[key]
        return client.post(path, json=body, headers={"Idempotency-Key": key})

    made = {key: ask(key).get_json()["id"] for key in requests}
    for _ in made:
        worker.run()
    assert client.delete(f"{VIDEOS}/{source['id']}").status_code == 200
    for key, video_id in made.items():
        again = ask(key)
        assert (again.status_code, again.get_json()["id"]) == (200, video_id)
    assert client.post(f"{VIDEOS}/{source['id']}/remix", json=PROMPT).status_code == 404


def test_a_picture_by_url_is_not_fetched_again_for_a_replay(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fails when the picture is fetched before the replay, or its bytes are part of what is compared: tried."""
    fetched: list[str] = []

    def fetch(_: object, url: str) -> FileStorage:
        fetched.append(url)
        return FileStorage(io.BytesIO(PNG + bytes(len(fetched))), filename="input_reference")

    monkeypatch.setattr(translation, "picture", fetch)
    body = {**PROMPT, "input_reference": {"image_url": "https://pictures.example/a.png"}}
    ids = {client.post(VIDEOS, json=body, headers={"Idempotency-Key": "k"}).get_json()["id"] for _ in range(3)}
    assert (len(ids), len(fetched)) == (1, 1)
    other = {**PROMPT, "input_reference": {"image_url": "https://pictures.example/b.png"}}
    assert refused(client, json=other, headers={"Idempotency-Key": "k"})[1] == "idempotency_mismatch"
    assert len(fetched) == 1


def test_one_key_does_not_mean_the_same_in_two_routes(client: FlaskClient, worker: SimulatedWorker) -> None:
    """Fails when the route is no part of what is compared: tried."""
    one, two = completed(client, worker), completed(client, worker)
    headers = {"Idempotency-Key": "k"}
    assert client.post(f"{VIDEOS}/{one['id']}/remix", json=PROMPT, headers=headers).status_code == 200
    elsewhere = refused(client, f"{VIDEOS}/{two['id']}/remix", json=PROMPT, headers=headers)
    assert elsewhere[:2] == (400, "idempotency_mismatch")
    assert client.post(JOBS, json=PROMPT, headers=headers).get_json()["code"] == "idempotency_mismatch"
