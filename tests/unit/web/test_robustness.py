"""Whatever is sent, the answer is a documented one: never a 500."""

import json
import string
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

FIELDS = ["task", "prompt", "model", "num_frames", "fps", "seed", "guidance_scale", "strength", "image", "callback_url"]
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20)
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
)
BODIES = st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=8), JSON, max_size=6)
QUIET = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@QUIET
@given(body=BODIES)
def test_any_json_object_is_answered(client: FlaskClient, body: dict[str, Any]) -> None:
    for path in ("/api/v1/jobs", "/api/v1/jobs/forecast"):
        answer = client.post(path, data=json.dumps(body), content_type="application/json")
        assert answer.status_code in (200, 202, 400, 422, 429)
        assert answer.get_json() is not None


@QUIET
@given(
    fields=st.dictionaries(
        st.sampled_from(FIELDS) | st.text(string.printable, max_size=8), st.text(max_size=20), max_size=6
    )
)
def test_any_form_is_answered(client: FlaskClient, fields: dict[str, str]) -> None:
    answer = client.post("/api/v1/jobs", data=fields)
    assert answer.status_code in (202, 400, 415, 422, 429)


@QUIET
@given(name=st.text(min_size=1, max_size=30))
def test_any_id_is_answered(client: FlaskClient, name: str) -> None:
    for path in ("jobs", "uploads", "artifacts", "models", "webhook-endpoints"):
        # 405: an encoded slash may spell a verb, as in "0/retry"
        assert client.get(f"/api/v1/{path}/{quote(name, safe='')}").status_code in (200, 308, 404, 405)


@pytest.mark.parametrize(
    "body", ['{"\\ud800": 1}', '{"prompt": "\\ud800"}', '{"guidance_scale": 1e999}', '{"seed": %s}' % ("9" * 5000)]
)
def test_hostile_json_is_refused(client: FlaskClient, body: str) -> None:
    answer = client.post("/api/v1/jobs", data=body, content_type="application/json")
    assert answer.status_code in (400, 422)
    assert answer.get_json()["code"]


def test_an_unexpected_failure_is_a_problem_without_its_text(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def explode(*_: object, **__: object) -> None:
        raise RuntimeError("a secret detail")

    monkeypatch.setattr("vidgen.jobs.repository.JobRepository.list", explode)
    answer = client.get("/api/v1/jobs")
    assert (answer.status_code, answer.get_json()["code"]) == (500, "internal_error")
    assert "secret detail" not in answer.get_data(as_text=True)
    assert "secret detail" in caplog.text
    assert app.debug is False


def test_wrong_methods_name_the_right_ones(client: FlaskClient) -> None:
    answer = client.put("/api/v1/jobs")
    assert (answer.status_code, answer.get_json()["code"]) == (405, "method_not_allowed")
    assert "POST" in answer.headers["Allow"]
