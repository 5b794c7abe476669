"""The OpenAPI document says what the server does, and the other way round."""

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator
from werkzeug.test import TestResponse

from tests.declared_problems import OF_THE_SERVER
from tests.simulated_worker import SimulatedWorker
from vidgen_models.registry import ModelRegistry
from vidgen_web.problems import MEANINGS, STATUS_BY_CODE, TITLES
from vidgen_web.services import EXTENSION

ROOT = Path(__file__).parents[3]
# what runs in the web process, or is raised there
PACKAGES = ("web/vidgen_web", "vidgen/jobs", "vidgen/spec", "models/vidgen_models")
# told at start, to workers, in a job's own `error` and `warnings`
NOT_ANSWERED = {
    "address_unavailable",
    "cancelled",
    "enhancer_unavailable",
    "exposed_without_login",
    "fastest_speed",
    "invalid_setting",
    "invalid_tenant",
    "lease_lost",
    "unknown_words",
    "unnamed_embedding",
    "unsafe_model",
    "unused_embedding",
    "webhook_failed",
}
METHODS = {"get", "post", "put", "patch", "delete"}


@pytest.fixture
def document(client: FlaskClient) -> dict[str, Any]:
    return dict(client.get("/api/v1/openapi.json").get_json())


def test_every_api_route_is_described_and_every_description_is_a_route(app: Flask, document: dict[str, Any]) -> None:
    served = {
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule), method.lower())
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith(("/api/", "/v1/", "/healthz", "/metrics", "/readyz"))
        for method in rule.methods or ()
        if method.lower() in METHODS
    }
    described = {(path, method) for path, methods in document["paths"].items() for method in methods}
    assert described == served


def test_the_document_is_sound(document: dict[str, Any]) -> None:
    assert document["openapi"] == "3.1.0"
    operations = [op for methods in document["paths"].values() for op in methods.values()]
    ids = [op["operationId"] for op in operations]
    assert len(ids) == len(set(ids))
    tags = {tag["name"] for tag in document["tags"]}
    assert all(set(op["tags"]) <= tags and op["summary"] for op in operations)
    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    references = set(re.findall(r'"#/components/schemas/([^"]+)"', str(document).replace("'", '"')))
    assert references <= set(document["components"]["schemas"])
    for path, methods in document["paths"].items():
        for op in methods.values():
            named = {p["name"] for p in op["parameters"] if p["in"] == "path"}
            assert named == set(re.findall(r"{(\w+)}", path))


def test_live_answers_fit_their_schemas(
    app: Flask, client: FlaskClient, document: dict[str, Any], worker: SimulatedWorker
) -> None:
    check = _checker(app, document)
    job = check("post", client.post("/api/v1/jobs", json={"prompt": "x"}), "/api/v1/jobs")
    claim = worker.claim()
    worker.step(claim, 1, 4)
    path = "/api/v1/jobs/{job_id}"
    assert check("get", client.get(f"/api/v1/jobs/{job['id']}"), path)["preview_url"]
    worker.succeed(claim)
    assert len(check("get", client.get(f"/api/v1/jobs/{job['id']}"), path)["artifacts"]) == 4
    check("post", client.post("/api/v1/jobs", json={"num_frames": 20}), "/api/v1/jobs")
    check("post", client.post("/api/v1/jobs/forecast", json={}), "/api/v1/jobs/forecast")
    check("get", client.get("/api/v1/jobs"), "/api/v1/jobs")
    check("get", client.get("/api/v1/jobs/none"), path)
    check("post", client.post(f"/api/v1/jobs/{job['id']}/cancel"), f"{path}/cancel")
    check("post", client.post(f"/api/v1/jobs/{job['id']}/retry"), f"{path}/retry")
    check("patch", client.patch(f"/api/v1/jobs/{job['id']}", json={"priority": 7}), path)
    check("post", client.post(f"/api/v1/jobs/{job['id']}/move", json={}), f"{path}/move")
    check("post", client.post(f"/api/v1/jobs/{job['id']}/stop"), f"{path}/stop")
    check("get", client.get("/api/v1/queue"), "/api/v1/queue")
    check("post", client.post("/api/v1/queue/pause", json={}), "/api/v1/queue/pause")
    check("post", client.post("/api/v1/queue/resume"), "/api/v1/queue/resume")
    models = check("get", client.get("/api/v1/models"), "/api/v1/models")
    check("get", client.get(f"/api/v1/models/{models['items'][0]['id']}"), "/api/v1/models/{model_id}")
    hooks, hook = "/api/v1/webhook-endpoints", "/api/v1/webhook-endpoints/{endpoint_id}"
    made = check("post", client.post(hooks, json={"url": "https://example.org/"}), hooks)
    check("get", client.get(hooks), hooks)
    check("get", client.get(f"{hooks}/{made['id']}"), hook)
    check("patch", client.patch(f"{hooks}/{made['id']}", json={"enabled": False}), hook)
    check("post", client.post(f"{hooks}/{made['id']}/test"), f"{hook}/test")
    check("post", client.post(f"{hooks}/{made['id']}/rotate-secret"), f"{hook}/rotate-secret")
    deliveries = check("get", client.get("/api/v1/webhook-deliveries"), "/api/v1/webhook-deliveries")
    one = client.get(f"/api/v1/webhook-deliveries/{deliveries['items'][0]['id']}")
    check("get", one, "/api/v1/webhook-deliveries/{delivery_id}")
    since = {"since": "2026-01-01T00:00:00Z"}
    check("post", client.post(f"{hooks}/{made['id']}/recover", json=since), f"{hook}/recover")
    check("get", client.get("/healthz"), "/healthz")
    check("get", client.get("/readyz"), "/readyz")


def test_live_answers_of_the_video_api_fit_their_schemas(
    app: Flask, client: FlaskClient, document: dict[str, Any], worker: SimulatedWorker
) -> None:
    check, one = _checker(app, document), "/v1/videos/{video_id}"
    video = check("post", client.post("/v1/videos", json={"prompt": "x"}), "/v1/videos")
    check("post", client.post("/v1/videos", json={"prompt": "x", "seconds": "99"}), "/v1/videos")
    check("post", client.post(f"/v1/videos/{video['id']}/remix", json={"prompt": "x"}), f"{one}/remix")
    assert worker.run() == video["id"]
    check("get", client.get(f"/v1/videos/{video['id']}"), one)
    check("get", client.get("/v1/videos/none"), one)
    check("get", client.get("/v1/videos"), "/v1/videos")
    check("get", client.get("/v1/videos?limit=0"), "/v1/videos")
    check("post", client.post(f"/v1/videos/{video['id']}/remix", json={"prompt": "x"}), f"{one}/remix")
    body = {"prompt": "x", "video": {"id": video["id"]}}
    check("post", client.post("/v1/videos/edits", json=body), "/v1/videos/edits")
    check("post", client.post("/v1/videos/extensions", json={**body, "seconds": "2"}), "/v1/videos/extensions")
    check("delete", client.delete(f"/v1/videos/{video['id']}"), one)


def raised_codes() -> set[str]:
    """Every code that the web process's own packages raise by name: `code="…"`, `ProblemError("…")`, `code = "…"`."""
    codes: set[str] = set()
    for folder in PACKAGES:
        for file in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text())):
                codes |= set(_codes(node))
    return codes


def _codes(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Call):
        named = [keyword.value for keyword in node.keywords if keyword.arg == "code"]
        first = node.args[:1] if isinstance(node.func, ast.Name) and node.func.id == "ProblemError" else []
        yield from (it.value for it in (*named, *first) if isinstance(it, ast.Constant) and isinstance(it.value, str))
    if isinstance(node, ast.ClassDef):
        for line in node.body:
            if isinstance(line, ast.Assign) and [ast.unparse(it) for it in line.targets] == ["code"]:
                yield from (it.value for it in [line.value] if isinstance(it, ast.Constant))


def test_every_code_that_is_raised_has_a_meaning_or_never_reaches_a_client() -> None:
    """Fails when a code is raised that no status belongs to: tried; it would be answered as internal_error."""
    assert raised_codes() - set(STATUS_BY_CODE) == NOT_ANSWERED


def test_every_code_stands_in_the_document(document: dict[str, Any]) -> None:
    """Fails when a route forgets to declare a code that only it raises."""
    told = re.findall(r"`([a-z_]+)`", str([op["responses"] for m in document["paths"].values() for op in m.values()]))
    assert set(STATUS_BY_CODE) - set(told) == OF_THE_SERVER


def test_every_error_code_is_documented() -> None:
    """With its meaning. Fails when docs/api.md gives another than the service itself: tried."""
    text = (ROOT / "docs" / "api.md").read_text()
    told = [code for code, (status, why) in MEANINGS.items() if f"| `{code}` | {status} | {why} |" not in text]
    assert told == []
    assert set(STATUS_BY_CODE.values()) <= set(TITLES)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/api/v1/models", None),
        ("GET", "/api/v1/models/x", None),
        ("POST", "/api/v1/jobs", {"prompt": "x"}),
        ("POST", "/api/v1/jobs/forecast", {"prompt": "x"}),
        ("PATCH", "/api/v1/jobs/{}", {"spec": {"num_frames": 5}}),
        ("POST", "/v1/videos", {"prompt": "x"}),
        ("GET", "/v1/videos", None),
        ("GET", "/v1/videos/{}", None),
    ],
)
def test_a_broken_manifest_is_a_problem_that_routes_declare(
    app: Flask, client: FlaskClient, tmp_path: Path, method: str, path: str, body: object
) -> None:
    """The fixture `app` holds every answer of these tests to what its route declares.

    Fails when one forgets a code: tried.
    """
    job_id = client.post("/api/v1/jobs", json={"prompt": "x"}).get_json()["id"]
    (tmp_path / "broken.toml").write_text("id = 1")
    found = app.extensions[EXTENSION]
    app.extensions[EXTENSION] = replace(found, models=ModelRegistry(tmp_path))
    answer = client.open(path.format(job_id), method=method, json=body)
    told = answer.get_json()
    assert (told.get("code") or told["error"]["code"]) == "model_unavailable"


def test_every_route_is_documented(document: dict[str, Any]) -> None:
    text = (ROOT / "docs" / "api.md").read_text()
    routes = [
        f"{m.upper()} {p.replace('{job_id}', '{id}').replace('{upload_id}', '{id}')}" for p, m in _routes(document)
    ]
    plain = [re.sub(r"{\w+}", "{id}", route).replace("/api/v1", "") for route in routes]
    assert [route for route in plain if f"`{route}`" not in text] == []


def test_the_page_for_people_names_every_route(client: FlaskClient, document: dict[str, Any]) -> None:
    page = client.get("/docs").get_data(as_text=True)
    for path, _ in _routes(document):
        assert f"<code>{path}</code>" in page
    assert all(f'id="{code}"' in page for code in STATUS_BY_CODE)


def _routes(document: dict[str, Any]) -> list[tuple[str, str]]:
    return [(path, method) for path, methods in document["paths"].items() for method in methods]


def _checker(app: Flask, document: dict[str, Any]) -> Callable[[str, TestResponse, str], dict[str, Any]]:
    def check(method: str, answer: TestResponse, path: str) -> dict[str, Any]:
        promised = document["paths"][path][method]["responses"][str(answer.status_code)]["content"]
        schema = promised[answer.mimetype]["schema"]
        body = app.json.loads(answer.data)
        Draft202012Validator({**schema, "components": document["components"]}).validate(body)
        return dict(body)

    return check
