"""Who may talk to the service: hosts, origins, forms."""

from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from vidgen.jobs.exposure import ExposedWithoutLogin
from vidgen.jobs.settings import Settings
from vidgen_web import create_app
from vidgen_web.services import EXTENSION

PATHS = ["/", "/docs", "/healthz", "/api/v1/jobs", "/static/main.js", "/nowhere"]


@pytest.mark.parametrize("path", PATHS)
def test_every_answer_carries_the_security_headers(client: FlaskClient, path: str) -> None:
    with client.get(path) as answer:
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert answer.headers["X-Frame-Options"] == "DENY"


@pytest.mark.parametrize("host", ["127.0.0.1:8765", "localhost:1", "[::1]:8765", "localhost"])
def test_own_hosts_are_answered(client: FlaskClient, host: str) -> None:
    assert client.get("/healthz", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example:8765", "169.254.169.254", "localhost.evil", ""]
)
def test_rebound_hosts_are_not(client: FlaskClient, host: str) -> None:
    answer = client.get("/api/v1/jobs", headers={"Host": host})
    assert (answer.status_code, answer.get_json()["code"]) == (421, "wrong_host")


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost:9999", "https://localhost"])
@pytest.mark.parametrize(("method", "path"), [("POST", "/api/v1/jobs"), ("GET", "/api/v1/jobs"), ("POST", "/jobs")])
def test_other_origins_are_refused(client: FlaskClient, origin: str, method: str, path: str) -> None:
    answer = client.open(path, method=method, headers={"Origin": origin}, json={} if method == "POST" else None)
    assert (answer.status_code, answer.get_json()["code"]) == (403, "cross_origin")


def test_the_own_origin_is_welcome(client: FlaskClient) -> None:
    assert client.post("/api/v1/jobs", json={}, headers={"Origin": "http://localhost"}).status_code == 202


def test_images_and_scripts_of_other_sites_reach_nothing(client: FlaskClient) -> None:
    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}
    assert client.get("/api/v1/jobs", headers=headers).status_code == 403
    # only the route that checks signatures is open to those who bring one
    assert client.get("/api/v1/events?signature=x", headers=headers).get_json()["code"] == "cross_origin"
    assert client.get("/api/v1/artifacts/art_x?signature=x&expires=1", headers=headers).status_code != 200
    assert client.get("/api/v1/artifacts/art_x?signature=x", headers=headers).get_json()["code"] != "cross_origin"
    assert client.delete("/api/v1/jobs/x", headers={**headers, "Sec-Fetch-Mode": "navigate"}).status_code == 403
    # following a link from another site is how people arrive
    assert client.get("/", headers={**headers, "Sec-Fetch-Mode": "navigate"}).status_code == 200


def test_a_public_url_is_an_own_host_and_origin(tmp_path: Path, migrated: bytes) -> None:
    (tmp_path / "vidgen.db").write_bytes(migrated)
    app = create_app(Settings(data_dir=tmp_path, public_url="https://clips.example.org"))
    headers = {"Host": "clips.example.org", "Origin": "https://clips.example.org"}
    answer = app.test_client().post("/api/v1/jobs", json={}, headers=headers)
    # known by that name, but whoever comes through a proxy is not this machine's user
    assert (answer.status_code, answer.get_json()["code"]) == (401, "unauthorized")
    app.extensions[EXTENSION].engine.dispose()


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "::", "example.org"])
def test_listening_for_strangers_is_refused(tmp_path: Path, host: str) -> None:
    with pytest.raises(ExposedWithoutLogin, match="VIDGEN_AUTH=keys"):
        create_app(Settings(data_dir=tmp_path, host=host))


@pytest.mark.parametrize("path", ["/jobs", "/jobs/job_x/cancel", "/jobs/job_x/retry", "/jobs/job_x/delete"])
def test_forms_without_a_token_are_refused(client: FlaskClient, path: str) -> None:
    client.get("/")
    for form in ({}, {"csrf_token": "x"}, {"csrf_token": "é"}):
        assert client.post(path, data=form).get_json()["code"] == "csrf"


def test_a_token_of_another_browser_is_refused(app: Flask) -> None:
    def token(client: FlaskClient) -> str:
        page = client.get("/").get_data(as_text=True)
        return page.split('name="csrf_token" value="')[1].split('"')[0]

    one, other = app.test_client(), app.test_client()
    theirs = token(other)
    token(one)
    assert one.post("/jobs", data={"csrf_token": theirs}).get_json()["code"] == "csrf"


def test_the_form_cookie_is_kept_from_scripts_and_other_sites(client: FlaskClient) -> None:
    cookie = client.get("/").headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert "Set-Cookie" not in client.get("/").headers
