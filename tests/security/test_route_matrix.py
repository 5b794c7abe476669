"""Promise 16: tenant A cannot learn of B's objects. Every route × every kind of caller, made from the app's own map.

A new route fails `test_every_route_is_classified` until OPEN, PORTAL or CALLS below says how it is called.
Fails when a route forgets its scope or its tenant: tried by letting any key read the webhook list, by binding
`services()` to the unbound repositories (404 expected, was 200), by showing a chunk's picture without asking for its
job (200 to the other tenant), and by adding an unclassified route.
"""

import io
import json
import re
import shutil
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update
from sqlmodel import col
from werkzeug.test import TestResponse

from tests.jobs_fixtures import control_plane, make_settings
from tests.recipes import RECALL, recipe_picture
from tests.security.conftest import FAKE_INGEST, Person
from tests.simulated_worker import SimulatedWorker
from tests.unit.web.test_variations_api import commit
from vidgen.jobs.database.session import writing
from vidgen.jobs.database.tables import ApiKeyRow
from vidgen.jobs.service import ControlPlane, open_control_plane
from vidgen.jobs.tenants.keys import ADMIN, SCOPES
from vidgen_models.loras import LoraManifest
from vidgen_models.shelf import Shelf
from vidgen_web import create_app
from vidgen_web.access import ANY_KEY, PUBLIC, need_of
from vidgen_web.services import EXTENSION

API = "/api/v1"
# nobody is asked for a key here
OPEN = {
    "GET /healthz",
    "GET /metrics",
    "GET /readyz",
    f"GET {API}/openapi.json",
    "GET /docs",
    "GET /sign-in",
    "POST /sign-in",
    "POST /language",
}
OPEN |= {"POST /sign-out", "GET /static/<path:filename>"}
# these know the portal's cookie and no keys (test_portal_sign_in)
PORTAL = {"GET /", "GET /jobs/<job_id>", "POST /jobs", "POST /jobs/<job_id>/cancel", "POST /jobs/<job_id>/retry"}
JOB_VERBS = ("delete", "edit", "extend", "move", "priority", "process", "retake", "stop")
PORTAL |= {f"POST /jobs/<job_id>/{verb}" for verb in JOB_VERBS}
PORTAL |= {"POST /grids", "GET /grids/<sweep_id>", "POST /grids/<sweep_id>/cancel"}
PORTAL |= {"POST /composer", "GET /composer/drawn", "POST /presets", "POST /presets/apply", "POST /presets/forget"}
PORTAL |= {f"POST /gallery/<job_id>/{verb}" for verb in ("star", "project")}
PORTAL |= {"POST /forecast", "POST /recall", "POST /queue/pause", "POST /queue/resume"}
PORTAL |= {f"GET /settings{page}" for page in ("", "/usage", "/model", "/keys", "/webhooks", "/deliveries")}
PORTAL |= {
    "POST /settings/model",
    "POST /settings/keys",
    "POST /settings/keys/<key_id>/revoke",
    "POST /settings/webhooks",
}
PORTAL |= {"GET /settings/webhooks/<endpoint_id>", "POST /settings/deliveries/<delivery_id>/resend"}
PORTAL |= {f"{verb} /settings/{page}" for verb in ("GET", "POST") for page in ("training", "uploads")}
PORTAL |= {"POST /settings/uploads/<upload_id>/delete", "POST /composer/draw"}
HOOK_VERBS = ("change", "switch", "test", "rotate", "recover", "delete")
PORTAL |= {f"POST /settings/webhooks/<endpoint_id>/{verb}" for verb in HOOK_VERBS}
TWIN = "/portal/api"
SPEC = {"prompt": "a cat"}


@dataclass(frozen=True)
class Call:
    """How a route is called: what the body is, and what the owner is answered."""

    ok: int
    body: Any = None
    form: Any = None


CALLS: dict[str, Call] = {
    f"POST {API}/jobs": Call(202, SPEC),
    f"GET {API}/jobs": Call(200),
    f"GET {API}/jobs/<job_id>": Call(200),
    f"POST {API}/jobs/<job_id>/cancel": Call(200),
    f"POST {API}/jobs/<job_id>/retry": Call(409),
    f"DELETE {API}/jobs/<job_id>": Call(204),
    f"GET {API}/jobs/<job_id>/preview": Call(200),
    f"GET {API}/jobs/<job_id>/events": Call(200),
    f"PATCH {API}/jobs/<job_id>": Call(409, {"priority": 7}),
    f"POST {API}/jobs/<job_id>/move": Call(409, {}),
    f"POST {API}/jobs/<job_id>/stop": Call(409),
    f"GET {API}/jobs/<job_id>/chunks": Call(200),
    f"GET {API}/jobs/<job_id>/chunks/<int:n>/preview": Call(200),
    f"GET {API}/jobs/<job_id>/conditioning": Call(404),
    f"POST {API}/jobs/<job_id>/retake": Call(422, {"chunk": 0}),
    f"POST {API}/jobs/<job_id>/extend": Call(202, {"num_frames": 8}),
    f"POST {API}/sweeps": Call(202, {"spec": SPEC, "vary": [{"field": "seed", "values": [1, 2]}]}),
    f"GET {API}/sweeps": Call(200),
    f"GET {API}/sweeps/<sweep_id>": Call(200),
    f"GET {API}/sweeps/<sweep_id>/sheet": Call(200),
    f"POST {API}/sweeps/<sweep_id>/cancel": Call(200),
    f"POST {API}/prompts/enhance": Call(200, SPEC),
    f"GET {API}/queue": Call(200),
    # the queue is everybody's: a tenant's administrator is not its operator
    f"POST {API}/queue/pause": Call(403, {}),
    f"POST {API}/queue/resume": Call(403),
    f"POST {API}/jobs/forecast": Call(200, SPEC),
    f"GET {API}/events": Call(200),
    f"POST {API}/uploads": Call(201, form={"file": b"\x89PNG picture"}),
    f"GET {API}/uploads": Call(200),
    f"GET {API}/uploads/<upload_id>": Call(200),
    f"DELETE {API}/uploads/<upload_id>": Call(204),
    f"POST {API}/recall": Call(200, form={"file": recipe_picture()}),
    f"GET {API}/uploads/<upload_id>/content": Call(200),
    f"GET {API}/artifacts/<artifact_id>": Call(200),
    f"POST {API}/artifacts/<artifact_id>/link": Call(200, {}),
    "POST /v1/videos": Call(200, SPEC),
    "GET /v1/videos": Call(200),
    "GET /v1/videos/<job_id>": Call(200),
    "DELETE /v1/videos/<job_id>": Call(200),
    "GET /v1/videos/<job_id>/content": Call(200),
    "POST /v1/videos/<job_id>/remix": Call(200, SPEC),
    "POST /v1/videos/edits": Call(200, {**SPEC, "video": {"id": "<job_id>"}}),
    "POST /v1/videos/extensions": Call(200, {**SPEC, "seconds": "2", "video": {"id": "<job_id>"}}),
    f"GET {API}/models": Call(200),
    f"GET {API}/models/<model_id>": Call(200),
    f"GET {API}/loras": Call(200),
    f"DELETE {API}/loras/<lora_id>": Call(204),
    f"POST {API}/webhook-endpoints": Call(201, {"url": "https://example.org/"}),
    f"GET {API}/webhook-endpoints": Call(200),
    f"GET {API}/webhook-endpoints/<endpoint_id>": Call(200),
    f"PATCH {API}/webhook-endpoints/<endpoint_id>": Call(200, {"enabled": True}),
    f"DELETE {API}/webhook-endpoints/<endpoint_id>": Call(204),
    f"POST {API}/webhook-endpoints/<endpoint_id>/test": Call(202),
    f"POST {API}/webhook-endpoints/<endpoint_id>/rotate-secret": Call(200),
    f"GET {API}/webhook-endpoints/<endpoint_id>/deliveries": Call(200),
    f"POST {API}/webhook-endpoints/<endpoint_id>/recover": Call(202, {"since": "2026-01-01T00:00:00Z"}),
    f"GET {API}/webhook-deliveries/<delivery_id>": Call(200),
    f"GET {API}/webhook-deliveries": Call(200),
    f"POST {API}/webhook-deliveries/<delivery_id>/resend": Call(202),
    f"GET {API}/quota": Call(200),
    f"POST {API}/api-keys": Call(201, {"scopes": ["jobs:read"]}),
    f"GET {API}/api-keys": Call(200),
    f"GET {API}/api-keys/<key_id>": Call(200),
    f"DELETE {API}/api-keys/<key_id>": Call(204),
}
# said here once more, and by kind: what a route says of itself may be too little. The first line that fits counts
SCOPE_OF = (
    (rf"\w+ {API}/(webhook-endpoints|webhook-deliveries)", "webhooks"),
    (rf"\w+ {API}/api-keys|POST {API}/queue", ADMIN),
    (rf"\w+ {API}/(uploads|recall)", "uploads"),
    (rf"GET {API}/(models|quota)", ANY_KEY),
    # these change nothing
    (rf"GET |POST {API}/jobs/forecast|POST {API}/prompts/enhance|POST {API}/artifacts/<artifact_id>/link", "jobs:read"),
    ("POST |PATCH |DELETE ", "jobs:write"),
)
SHARED = {"model_id"}  # models belong to nobody


def routes(app: Flask) -> Iterable[tuple[str, str]]:
    """`METHOD rule` and endpoint of everything that the app answers."""
    for rule in app.url_map.iter_rules():
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            yield f"{method} {rule.rule.replace('<video_id>', '<job_id>')}", rule.endpoint


def test_every_route_is_classified(app: Flask) -> None:
    unknown = [
        route
        for route, _ in routes(app)
        if route not in OPEN | PORTAL | set(CALLS) and route.replace(TWIN, API) not in OPEN | set(CALLS)
    ]
    assert unknown == [], "say in this test how the route is called, and beside the route what it needs"
    assert set(CALLS) | OPEN | PORTAL == {route for route, _ in routes(app) if TWIN not in route}


def test_every_route_says_what_it_needs(app: Flask) -> None:
    silent = [route for route, name in routes(app) if name != "static" and need_of(app.view_functions[name]) is None]
    assert silent == []
    public = {route for route, name in routes(app) if need_of(app.view_functions[name]) == PUBLIC}
    assert {route.replace(TWIN, API) for route in public} == OPEN - {"GET /static/<path:filename>"}


def test_every_route_needs_the_scope_of_its_kind(app: Flask) -> None:
    """Fails when a route asks less of its callers than others of its kind: tried with the list of webhooks."""
    asked = {route: need_of(app.view_functions[name]) for route, name in routes(app) if route in CALLS}
    wanted = {route: next(scope for form, scope in SCOPE_OF if re.match(form, route)) for route in CALLS}
    assert asked == wanted


@dataclass(frozen=True)
class World:
    """A service that asks for keys, its two administrators, and one of everything, all Anna's."""

    app: Flask
    plane: ControlPlane
    anna: Person
    bert: Person
    objects: dict[str, str]


@contextmanager
def opened(folder: Path, keys: dict[str, str], objects: dict[str, str]) -> Iterator[World]:
    plane = open_control_plane(make_settings(folder, auth="keys", max_upload_mb=1))
    app = create_app(plane.settings, ingest_command=(sys.executable, str(FAKE_INGEST)), recall_command=RECALL)
    yield World(app, plane, Person(app, keys["anna"]), Person(app, keys["bert"]), objects)
    app.extensions[EXTENSION].engine.dispose()
    plane.engine.dispose()


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str], dict[str, str]]:
    """The data folder of such a service, the keys, and the objects by the name of the parameter that names each."""
    folder = tmp_path_factory.mktemp("furnished")
    with control_plane(folder) as plane:
        keys = {name: plane.keys.of(name).create(name, [ADMIN]).key for name in ("anna", "bert")}
    objects: dict[str, str] = {"model_id": "sprites-64"}
    with opened(folder, keys, objects) as world:
        objects |= one_of_everything(world.anna, SimulatedWorker(world.plane))
    return folder, keys, objects


@pytest.fixture(scope="module")
def world(furnished: tuple[Path, dict[str, str], dict[str, str]]) -> Iterator[World]:
    """For those who change nothing, because they may not."""
    with opened(*furnished) as world:
        yield world


@pytest.fixture
def own_world(furnished: tuple[Path, dict[str, str], dict[str, str]], tmp_path: Path) -> Iterator[World]:
    """A copy, for the owner, who may change things."""
    folder, *rest = furnished
    shutil.copytree(folder, tmp_path / "data")
    with opened(tmp_path / "data", *rest) as world:
        yield world


def one_of_everything(anna: Person, worker: SimulatedWorker) -> dict[str, str]:
    job_id = anna("POST", f"{API}/jobs", json=SPEC).get_json()["id"]
    claim = worker.claim()
    worker.step(claim, 1, 2)
    commit(worker.plane, claim, 0)
    worker.succeed(claim)
    job = anna("GET", f"{API}/jobs/{job_id}").get_json()
    upload = anna("POST", f"{API}/uploads", data={"file": (io.BytesIO(b"\x89PNG"), "x.png")}).get_json()
    swept = {"spec": SPEC, "vary": [{"field": "seed", "values": [1, 2]}]}
    learned = LoraManifest(id="anna.mine", models=("sprites-64",), file="/gone", sha256="0" * 64, tenant="anna")
    Shelf(worker.plane.settings.added_models).put_lora(learned)
    endpoint = anna("POST", f"{API}/webhook-endpoints", json={"url": "https://example.org/"}).get_json()
    return {
        "job_id": job_id,
        "artifact_id": job["artifacts"][0]["id"],
        "upload_id": upload["id"],
        "lora_id": learned.id,
        "sweep_id": anna("POST", f"{API}/sweeps", json=swept).get_json()["id"],
        "endpoint_id": endpoint["id"],
        "delivery_id": anna("POST", f"{API}/webhook-endpoints/{endpoint['id']}/test").get_json()["id"],
        "key_id": anna("POST", f"{API}/api-keys", json={"scopes": ["jobs:read"]}).get_json()["id"],
    }


def filled(text: str, ids: dict[str, str]) -> str:
    return re.sub(r"<(\w+)>", lambda found: ids[found[1]], text.replace("<int:n>", "0"))


def named(route: str) -> set[str]:
    """What the path or the body of a call names."""
    return set(re.findall(r"<(\w+)>", route + json.dumps(CALLS[route].body)))


def call(person: Person, route: str, ids: dict[str, str]) -> TestResponse:
    method, rule = route.split(" ")
    path = filled(rule, ids)
    arguments: dict[str, Any] = {}
    if CALLS[route].body is not None:
        arguments["json"] = json.loads(filled(json.dumps(CALLS[route].body), ids))
    if CALLS[route].form is not None:
        arguments["data"] = {name: (io.BytesIO(data), "x.png") for name, data in CALLS[route].form.items()}
    # a stream of everything would not end: asking for its head runs the same checks
    return person("HEAD" if rule.endswith(f"{API}/events") else method, path, **arguments)


def code_of(answer: TestResponse) -> str:
    """The error's code, in either API's form; asking for the head alone tells none."""
    if answer.request.method == "HEAD":
        return {401: "unauthorized", 403: "missing_scope"}[answer.status_code]
    assert answer.mimetype in ("application/problem+json", "application/json")
    body = answer.get_json()
    return str(body.get("error", body)["code"])


@pytest.mark.parametrize("route", CALLS)
def test_the_owner_may(own_world: World, route: str) -> None:
    assert call(own_world.anna, route, own_world.objects).status_code == CALLS[route].ok


@pytest.mark.parametrize("route", [route for route in CALLS if named(route) - SHARED])
def test_for_another_tenant_there_is_nothing(world: World, route: str) -> None:
    """The same answer as for an id that nobody has, but for the id itself."""
    (name,) = named(route)
    objects = world.objects
    unknown = {**objects, name: f"{objects[name][:4]}unknown-to-all"}
    theirs, nobodys = call(world.bert, route, objects), call(world.bert, route, unknown)
    assert theirs.status_code == nobodys.status_code == 404
    assert code_of(theirs) == "not_found"
    assert theirs.get_data(as_text=True).replace(objects[name], unknown[name]) == nobodys.get_data(as_text=True)
    ignored = {"Content-Length", "Date", "X-Request-Id", "RateLimit"}
    assert [h for h in theirs.headers if h[0] not in ignored] == [h for h in nobodys.headers if h[0] not in ignored]


@pytest.mark.parametrize("route", [route for route in CALLS if not named(route) and route.startswith("GET")])
def test_lists_of_another_tenant_are_empty(world: World, route: str) -> None:
    answer = call(world.bert, route, world.objects).get_data(as_text=True)
    assert [name for name, value in world.objects.items() if name not in SHARED and value in answer] == []


@pytest.mark.parametrize("route", CALLS)
def test_a_key_without_the_scope_may_not(world: World, route: str) -> None:
    need = need_of(world.app.view_functions[dict(routes(world.app))[route]])
    # all the others: no sum of them makes up for the one that is missing
    others = [scope for scope in SCOPES if scope not in (need, ADMIN)]
    person = Person(world.app, world.plane.keys.of("anna").create("narrow", others).key)
    answer = call(person, route, world.objects)
    if need == ANY_KEY:
        assert answer.status_code == CALLS[route].ok
    else:
        assert (answer.status_code, code_of(answer)) == (403, "missing_scope")


@pytest.fixture(scope="module")
def bad_keys(world: World) -> list[str | None]:
    """None, an expired one, a revoked one, one with a wrong last character, and a word."""
    keys = world.plane.keys.of("anna")
    expired, revoked = keys.create("old", [ADMIN], expires_in_days=1), keys.create("lost", [ADMIN])
    with writing(world.plane.engine) as session:
        session.execute(update(ApiKeyRow).where(col(ApiKeyRow.id) == expired.id).values(expires_at=1.0))
    keys.revoke(revoked.id)
    good = str(world.anna.key)
    return [None, expired.key, revoked.key, good[:-1] + ("A" if good[-1] != "A" else "B"), "x"]


@pytest.mark.parametrize("route", CALLS)
def test_expired_revoked_and_missing_keys_may_not(world: World, bad_keys: list[str | None], route: str) -> None:
    for key in bad_keys:
        answer = call(Person(world.app, key), route, world.objects)
        assert (answer.status_code, code_of(answer)) == (401, "unauthorized")
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
