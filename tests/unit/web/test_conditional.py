"""ETags of JSON answers, and problems everywhere.

Fails when `conditional.register` is left out, or `progress` is not rounded: tried.
"""

import pytest
from flask.testing import FlaskClient
from waitress.buffers import ReadOnlyFileBasedBuffer

from tests.simulated_worker import SimulatedWorker
from vidgen.spec import Progress, Stage

JOBS = "/api/v1/jobs"


@pytest.mark.parametrize("path", [JOBS, "/api/v1/models", "/api/v1/models/sprites-64", "/v1/videos", f"{JOBS}/{{}}"])
def test_what_has_not_changed_is_not_sent_again(client: FlaskClient, path: str) -> None:
    job = client.post(JOBS, json={"prompt": "x"}).get_json()["id"]
    first = client.get(path.format(job))
    tag = first.headers["ETag"]
    again = client.get(path.format(job), headers={"If-None-Match": f'"other", {tag}'})
    assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", tag)
    assert client.get(path.format(job), headers={"If-None-Match": '"other"'}).data == first.data
    assert first.headers["Cache-Control"] == "private, no-cache"


def test_a_change_changes_the_tag(client: FlaskClient, worker: SimulatedWorker) -> None:
    job = client.post(JOBS, json={"prompt": "x"}).get_json()["id"]
    tags = {client.get(f"{JOBS}/{job}").headers["ETag"]}
    worker.step(worker.claim(), 1, 4)
    answer = client.get(f"{JOBS}/{job}", headers={"If-None-Match": tags.pop()})
    assert (answer.status_code, answer.get_json()["status"]) == (200, "running")


def test_secrets_have_no_tag(client: FlaskClient) -> None:
    made = client.post("/api/v1/webhook-endpoints", json={"url": "https://example.org/"})
    assert "ETag" not in made.headers
    assert "ETag" not in client.get("/").headers


def test_a_receipt_is_a_file_with_its_own_tag(client: FlaskClient, worker: SimulatedWorker) -> None:
    """With the file wrapper of the server that is shipped. Fails when files are not left alone: tried."""
    client.post(JOBS, json={"prompt": "x", "num_frames": 5})
    artifacts = client.get(f"{JOBS}/{worker.run()}").get_json()["artifacts"]
    receipt = next(it for it in artifacts if it["kind"] == "receipt")
    wrapper = {"wsgi.file_wrapper": ReadOnlyFileBasedBuffer}
    with client.get(receipt["url"], environ_overrides=wrapper) as answer:
        assert (answer.status_code, answer.mimetype) == (200, "application/json")
        assert answer.headers["ETag"] == f'"{receipt["sha256"]}"'


def test_progress_is_a_number_for_people(client: FlaskClient, worker: SimulatedWorker) -> None:
    job = client.post(JOBS, json={"prompt": "x"}).get_json()["id"]
    worker.plane.jobs.report(worker.claim(), Progress(Stage.DENOISING, 1 / 3, 1, 3, None), eta_seconds=2 / 3)
    told = client.get(f"{JOBS}/{job}").get_json()
    assert (told["progress"], told["eta_seconds"]) == (0.3333, 0.7)


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/api/v1/nope", 404, "not_found"),
        ("GET", "/api/v2/jobs", 404, "not_found"),
        ("GET", "/api/v1//jobs", 404, "not_found"),
        ("GET", "/api/v1/jobs/%00", 404, "not_found"),
        ("PUT", "/api/v1/jobs", 405, "method_not_allowed"),
        ("TRACE", "/api/v1/jobs", 405, "method_not_allowed"),
        ("BREW", "/api/v1/jobs", 405, "method_not_allowed"),
        ("GET", "/portal/api/nope", 404, "not_found"),
        ("GET", "/nope", 404, "not_found"),
    ],
)
@pytest.mark.parametrize("accept", ["application/json", "text/html", "*/*"])
def test_refusals_of_the_server_itself_are_problems_too(
    client: FlaskClient, method: str, path: str, status: int, code: str, accept: str
) -> None:
    answer = client.open(path, method=method, headers={"Accept": accept})
    assert answer.status_code == status
    if accept != "text/html" or "api" in path:
        assert (answer.mimetype, answer.get_json()["code"]) == ("application/problem+json", code)


@pytest.mark.parametrize("content_type", ["multipart/form-data", "multipart/form-data; boundary=x"])
def test_a_form_that_cannot_be_read_queues_nothing(client: FlaskClient, content_type: str) -> None:
    """Fails when an unreadable form counts as an empty one: tried, it queued a clip of nothing."""
    answer = client.post(JOBS, data=b"--y\r\nthis is no form", content_type=content_type)
    assert (answer.status_code, answer.get_json()["code"]) == (400, "bad_request")
    assert client.get(JOBS).get_json()["items"] == []


@pytest.mark.parametrize("prompt", ["\\u0000", "a\\ud800b"])
def test_texts_that_no_database_holds_are_refused(client: FlaskClient, prompt: str) -> None:
    answer = client.post(JOBS, data=f'{{"prompt": "{prompt}"}}', content_type="application/json")
    assert (answer.status_code, answer.get_json()["code"]) == (400, "invalid_json")


def test_an_empty_prompt_is_taken(client: FlaskClient) -> None:
    assert client.post(JOBS, json={"prompt": ""}).status_code == 202


@pytest.mark.parametrize("body", [{"seconds": 1.6e308}, {"segments": [{"seconds": 1.6e308}]}])
def test_lengths_that_cannot_be_counted_are_refused(client: FlaskClient, body: dict[str, object]) -> None:
    """Found by the search of tests/security/test_openapi_conformance.py: it was a 500."""
    answer = client.post("/api/v1/jobs/forecast", json=body)
    assert (answer.status_code, answer.get_json()["code"]) == (422, "invalid_request")
