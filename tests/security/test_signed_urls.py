"""Promise 18: artifact URLs are unforgeable and expire; no path is made of what a client says.

Fails when a field is left out of the signature: tried with `artifact_id`, `expires` and `download` in urls._signature.
"""

import io
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from flask import Flask

from tests.security.conftest import Person
from tests.simulated_worker import SimulatedWorker
from vidgen.jobs.service import ControlPlane

ARTIFACTS = "/api/v1/artifacts"


@pytest.fixture
def video(anna: Person, worker: SimulatedWorker) -> str:
    job = anna("POST", "/api/v1/jobs", json={"prompt": "x"}).get_json()["id"]
    worker.run()
    return str(anna("GET", f"/api/v1/jobs/{job}").get_json()["artifacts"][0]["id"])


def link(anna: Person, video: str, **wishes: object) -> str:
    made = anna("POST", f"{ARTIFACTS}/{video}/link", json=wishes)
    assert (made.status_code, made.headers["Cache-Control"]) == (200, "no-store")
    parts = urlsplit(made.get_json()["url"])
    return f"{parts.path}?{parts.query}"


def test_a_link_opens_its_file_to_anybody_with_ranges(nobody: Person, anna: Person, video: str) -> None:
    url = link(anna, video)
    whole = nobody("GET", url)
    assert (whole.status_code, whole.mimetype) == (200, "video/mp4")
    part = nobody("GET", url, headers={"Range": "bytes=4-7"})
    assert (part.status_code, part.data) == (206, b"ftyp")
    assert nobody("GET", f"{ARTIFACTS}/{video}").status_code == 401
    attachment = nobody("GET", link(anna, video, download=True))
    assert attachment.headers["Content-Disposition"].startswith("attachment")


def test_every_field_changed_added_repeated_or_left_out_is_refused(nobody: Person, anna: Person, video: str) -> None:
    for wishes in ({}, {"download": True}):
        path, _, query = link(anna, video, **wishes).partition("?")
        fields = parse_qsl(query)
        forged = [f"{path}?{query}&{extra}" for extra in ("download=1", "x=1", "expires=99999999999", query)]
        for n, (name, value) in enumerate(fields):
            rest = fields[:n] + fields[n + 1 :]
            forged.append(f"{path}?{urlencode(rest)}" if len(rest) > 1 or name != "expires" else path)
            for other in (value + "0", "0" + value, value[:-1], value.upper() + " ", "", "1"):
                if other != value:
                    forged.append(f"{path}?{urlencode([*fields[:n], (name, other), *fields[n + 1 :]])}")
            forged += [f"{path}?{urlencode([*fields[:n], (name.upper(), value), *fields[n + 1 :]])}"]
        statuses = {url: nobody("GET", url) for url in forged}
        assert {url: a.status_code for url, a in statuses.items() if a.status_code not in (401, 403)} == {}
        assert sum(a.get_json()["code"] == "invalid_signature" for a in statuses.values()) > 15


def test_every_character_of_the_signature_counts(nobody: Person, anna: Person, video: str) -> None:
    url = link(anna, video)
    for n in range(len(url) - 64, len(url)):
        changed = url[:n] + ("0" if url[n] != "0" else "1") + url[n + 1 :]
        assert nobody("GET", changed).status_code == 403


def test_a_link_opens_no_other_file_and_ends(app: Flask, nobody: Person, anna: Person, video: str) -> None:
    job = anna("GET", f"{ARTIFACTS}/{video}").status_code
    assert job == 200
    url = link(anna, video, expires_in_seconds=1)
    others = [a["id"] for a in anna("GET", "/api/v1/jobs").get_json()["items"][0]["artifacts"] if a["id"] != video]
    for other in others:
        assert nobody("GET", url.replace(video, other)).get_json()["code"] == "invalid_signature"
    old = [(k, "1000000000" if k == "expires" else v) for k, v in parse_qsl(urlsplit(url).query)]
    assert nobody("GET", f"{urlsplit(url).path}?{urlencode(old)}").get_json()["code"] == "invalid_signature"
    with app.app_context():
        assert nobody("POST", f"{ARTIFACTS}/{video}/link", json={}).status_code == 401


def test_links_are_for_the_owner_to_make(bert: Person, anna: Person, video: str) -> None:
    assert bert("POST", f"{ARTIFACTS}/{video}/link", json={}).status_code == 404
    for seconds in (0, -1, 31 * 86400, "x"):
        wrong = anna("POST", f"{ARTIFACTS}/{video}/link", json={"expires_in_seconds": seconds})
        assert wrong.get_json()["code"] == "invalid_request"


STRANGE = (
    "..%2f..%2fsecret_key",
    "..",
    "%2e%2e",
    "....//secret_key",
    "..%5c..%5csecret_key",
    "%5c%5cserver%5cshare",
    "%00",
    "art_x%00.png",
    "/etc/passwd",
    "%2fetc%2fpasswd",
    "C:%5cWindows",
    "art_%ff%fe",
    "a" * 4000,
    "%e2%80%ae",
    "'%20OR%201=1",
)


@pytest.mark.parametrize("name", STRANGE)
@pytest.mark.parametrize(
    "route", ["artifacts/{}", "uploads/{}", "uploads/{}/content", "jobs/{}/preview", "jobs/{}", "models/{}"]
)
def test_strange_ids_find_nothing(anna: Person, plane: ControlPlane, route: str, name: str) -> None:
    (plane.settings.data_dir / "secret_key").write_text("canary-secret")
    answer = anna("GET", f"/api/v1/{route.format(name)}")
    assert answer.status_code in (400, 404)
    assert answer.mimetype == "application/problem+json"
    assert "canary" not in answer.get_data(as_text=True)


@pytest.mark.parametrize(
    "name", ["../../secret_key", "..\\..\\x", "a\0b.png", "/etc/passwd", "x" * 5000, "\u202egnp.exe", ""]
)
def test_uploaded_names_become_no_paths(anna: Person, plane: ControlPlane, name: str) -> None:
    before = {p for p in plane.settings.data_dir.rglob("*") if p.is_file()}
    answer = anna("POST", "/api/v1/uploads", data={"file": (io.BytesIO(b"\x89PNG picture"), name or "x")})
    assert answer.status_code == 201
    shown = answer.get_json()["filename"]
    assert not set(shown) & set("/\\\0")
    (added,) = {p for p in plane.settings.data_dir.rglob("*") if p.is_file() and "db" not in p.name} - before
    assert added.name == f"{answer.get_json()['id']}.png"
