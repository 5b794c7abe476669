"""Request ids, the log lines of requests, and the trace that a job's row keeps."""

import logging

import pytest
from flask.testing import FlaskClient

from tests.simulated_worker import SimulatedWorker
from vidgen.telemetry.logs import JsonLines
from vidgen.telemetry.traceparent import is_valid

JOBS = "/api/v1/jobs"
PROMPT = {"prompt": "a cat moves left"}
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
GIVEN = f"00-{TRACE}-00f067aa0ba902b7-01"


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    # formatted as it is emitted, because the ids are those of that moment
    caplog.set_level(logging.DEBUG)
    caplog.handler.setFormatter(JsonLines())
    return caplog


def test_every_answer_has_a_request_id(client: FlaskClient) -> None:
    first, second = (client.get(JOBS).headers["X-Request-Id"] for _ in range(2))
    assert first.startswith("req_")
    assert first != second


@pytest.mark.parametrize("path", ["/nowhere", JOBS + "/job_none", "/readyz"])
def test_a_plain_id_of_the_client_comes_back_whatever_the_answer(client: FlaskClient, path: str) -> None:
    assert client.get(path, headers={"X-Request-Id": "mine-1.2_3"}).headers["X-Request-Id"] == "mine-1.2_3"


def test_refusals_by_host_have_an_id_too(client: FlaskClient) -> None:
    answer = client.get(JOBS, headers={"Host": "evil.example", "X-Request-Id": "mine"})
    assert answer.status_code == 421
    assert answer.headers["X-Request-Id"] == "mine"


@pytest.mark.parametrize("given", ["x" * 65, "two words", '{"a":1}', "a/b"])
def test_other_ids_are_replaced(client: FlaskClient, given: str) -> None:
    assert client.get(JOBS, headers={"X-Request-Id": given}).headers["X-Request-Id"].startswith("req_")


def test_a_jobs_row_keeps_the_trace_of_its_request(client: FlaskClient, worker: SimulatedWorker) -> None:
    client.post(JOBS, json=PROMPT, headers={"traceparent": GIVEN})
    claim = worker.claim()
    assert claim.traceparent == GIVEN
    client.post(JOBS, json=PROMPT, headers={"traceparent": "nonsense"})
    made = worker.claim().traceparent
    assert is_valid(made)
    assert made != GIVEN


def test_a_submission_is_logged_with_its_ids_and_without_its_prompt(
    client: FlaskClient, lines: pytest.LogCaptureFixture
) -> None:
    headers = {"traceparent": GIVEN, "X-Request-Id": "mine"}
    job = client.post(JOBS + "?x=in-the-query", json=PROMPT, headers=headers).get_json()["id"]
    told = [line for line in lines.text.splitlines() if '"mine"' in line]
    assert any('"event": "queued"' in line and f'"job": "{job}"' in line and TRACE in line for line in told)
    assert any('"route": "/api/v1/jobs"' in line and '"status": 202' in line for line in told)
    assert PROMPT["prompt"] not in lines.text
    assert "in-the-query" not in lines.text


def test_ids_do_not_leak_into_the_threads_next_request(client: FlaskClient, lines: pytest.LogCaptureFixture) -> None:
    job = client.post(JOBS, json=PROMPT).get_json()["id"]
    lines.clear()
    client.get("/healthz")
    assert "answered" in lines.text
    assert job not in lines.text


def test_what_a_client_makes_up_never_becomes_a_log_line(client: FlaskClient, lines: pytest.LogCaptureFixture) -> None:
    client.get("/canary-path?canary=1", headers={"X-Request-Id": "canary canary", "User-Agent": "canary"})
    assert "answered" in lines.text
    assert "canary" not in lines.text
