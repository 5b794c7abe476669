"""/v1/videos as the tests of this folder ask it."""

from typing import Any

from flask.testing import FlaskClient

from tests.simulated_worker import SimulatedWorker

VIDEOS = "/v1/videos"
JOBS = "/api/v1/jobs"
PNG = b"\x89PNG picture"
MP4 = b"\0\0\0\x18ftypmp42 clip"
PROMPT = {"prompt": "a cat moves left"}


def job_of(client: FlaskClient, video: Any) -> Any:
    return client.get(f"{JOBS}/{video['id']}").get_json()


def created(client: FlaskClient, **fields: Any) -> Any:
    answer = client.post(VIDEOS, json={**PROMPT, **fields})
    assert answer.status_code == 200, answer.get_json()
    return answer.get_json()


def refused(client: FlaskClient, path: str = VIDEOS, **arguments: Any) -> tuple[int, str, str | None]:
    """Status, code and param of a request that must fail in this API's form."""
    answer = client.post(path, **arguments)
    (key,) = answer.get_json()
    assert key == "error"
    error = answer.get_json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert answer.content_type == "application/json"
    return answer.status_code, error["code"], error["param"]


def completed(client: FlaskClient, worker: SimulatedWorker, **fields: Any) -> Any:
    video = created(client, **fields)
    assert worker.run() == video["id"]
    return client.get(f"{VIDEOS}/{video['id']}").get_json()
