"""No key at home (ADR 7): who counts as this machine's user, and who does not."""

from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from flask import Flask

from tests.security.conftest import Person
from tests.serving import served
from vidgen.jobs.database.session import migrate
from vidgen.jobs.exposure import ExposedWithoutLogin, refuse_exposure
from vidgen.jobs.service import ControlPlane
from vidgen.jobs.settings import Settings
from vidgen_web.services import EXTENSION, Services

JOBS = "/api/v1/jobs"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the real server of single-user mode listens."""
    settings = Settings(data_dir=tmp_path_factory.mktemp("home"), port=0)
    migrate(settings)
    with served(settings) as address:
        yield address


def status(app: Flask, path: str = JOBS, **arguments: object) -> int:
    return app.test_client().get(path, **arguments).status_code  # type: ignore[arg-type]


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8765", "[::1]:1"])
def test_this_machine_needs_no_key(local_app: Flask, host: str) -> None:
    """Fails when only `localhost` names this machine: tried."""
    assert status(local_app, headers={"Host": host}) == 200
    assert status(local_app, "/", headers={"Host": host}) == 200


@pytest.mark.parametrize("name", ["Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Via"])
def test_whoever_comes_through_a_proxy_needs_one(local_app: Flask, name: str) -> None:
    """Fails when `_is_at_home` does not look at the headers: tried."""
    assert status(local_app, headers={name: "203.0.113.7"}) == 401
    assert status(local_app, "/", headers={name: "203.0.113.7"}) == 401


@pytest.mark.parametrize("name", ["Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Via"])
def test_the_server_hands_on_what_a_proxy_says(home: str, name: str) -> None:
    """Fails when waitress clears the headers of proxies before the app sees them, as it does by itself: tried."""
    answers = []
    for headers in ({}, {name: "203.0.113.7"}):
        connection = HTTPConnection(urlsplit(home).netloc)
        connection.request("GET", JOBS, headers=headers)
        answers.append(connection.getresponse().status)
        connection.close()
    assert answers == [200, 401]


def test_another_machine_needs_one(local_app: Flask) -> None:
    """Fails when nobody asks where the request comes from: tried."""
    assert status(local_app, environ_base={"REMOTE_ADDR": "192.168.1.9"}) == 401


def test_a_wrong_key_is_refused_and_a_right_one_counts(local_app: Flask) -> None:
    """Fails when a wrong key at home is as good as none: tried."""
    services: Services = local_app.extensions[EXTENSION]
    assert Person(local_app, "vg_x")("GET", JOBS).status_code == 401
    made = services.keys.of("anna").create("", ["jobs:read"])
    local_app.test_client().post(JOBS, json={})
    assert Person(local_app, made.key)("GET", JOBS).get_json()["items"] == []
    assert Person(local_app, made.key)("POST", JOBS, json={}).status_code == 403


def test_words_that_are_no_key_of_ours_are_passed_over_at_home_alone(local_app: Flask, app: Flask) -> None:
    """Fails when a word that is no key makes a stranger: tried."""
    for word in ("Basic YTpi", "Bearer unused", "Bearer ", "x"):
        assert status(local_app, headers={"Authorization": word}) == 200
        assert status(app, headers={"Authorization": word}) == 401


def test_where_keys_are_asked_for_home_is_nothing_special(app: Flask) -> None:
    """Fails when home is home though keys are asked for: tried."""
    assert status(app) == 401
    assert status(app, "/healthz", headers={"Host": "clips.example.org"}) == 200


def test_an_open_address_is_fine_with_keys(tmp_path: Path) -> None:
    """Fails when open addresses are refused with keys, too: tried."""
    refuse_exposure(Settings(data_dir=tmp_path, host="0.0.0.0", auth="keys"))
    with pytest.raises(ExposedWithoutLogin, match="keys create"):
        refuse_exposure(Settings(data_dir=tmp_path, host="0.0.0.0"))


def test_metrics_are_told_at_home_without_a_key(local_app: Flask) -> None:
    """Fails when the route refuses everybody: tried."""
    assert status(local_app, "/metrics") == 200
    assert status(local_app, "/metrics", environ_base={"REMOTE_ADDR": "192.168.1.9"}) == 403


def test_metrics_are_told_to_the_operators_key(app: Flask, plane: ControlPlane, anna: Person) -> None:
    """Fails when the route asks nothing of callers from elsewhere, or of those from here: tried."""
    away = {"environ_base": {"REMOTE_ADDR": "192.168.1.9"}}
    assert status(app, "/metrics") == 403
    assert status(app, "/metrics", headers={"Host": "clips.example.org"}) == 403
    assert status(app, "/metrics", **away) == 403
    assert anna("GET", "/metrics", **away).status_code == 403
    operator = Person(app, plane.keys.of("local").create("", ["admin"]).key)
    assert operator("GET", "/metrics", **away).status_code == 200
