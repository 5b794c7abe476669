"""API keys: what is kept of them, how they end, and what a copied database is worth."""

import hashlib
import re
import sqlite3
import threading
import time
from pathlib import Path

import pytest
from click.testing import CliRunner
from flask import Flask
from sqlalchemy import event, text
from sqlalchemy.exc import OperationalError

from tests.jobs_fixtures import control_plane
from tests.security.conftest import Person
from vidgen.cli import main
from vidgen.jobs.database.session import BUSY_SECONDS, writing
from vidgen.jobs.service import ControlPlane
from vidgen.jobs.tenants.keys import KeyRefused
from vidgen_web.api import events
from vidgen_web.services import EXTENSION

KEYS = "/api/v1/api-keys"


def test_a_key_is_shown_once_and_kept_as_its_hash(anna: Person, plane: ControlPlane, tmp_path: Path) -> None:
    """Fails when the key is stored, too: tried with its name."""
    made = anna("POST", KEYS, json={"name": "laptop", "scopes": ["jobs:read"]})
    assert (made.status_code, made.headers["Cache-Control"]) == (201, "no-store")
    key = made.get_json()["key"]
    assert re.fullmatch(r"vg_[0-9a-f]{12}_[A-Za-z0-9_-]{43}", key)
    shown = anna("GET", made.headers["Location"]).get_json()
    assert "key" not in shown
    assert shown["name"] == "laptop"
    secret = key.split("_", 2)[2]
    for file in tmp_path.rglob("*"):
        if file.is_file():
            assert secret.encode() not in file.read_bytes()
    with writing(plane.engine) as session:
        kept = session.execute(text("SELECT sha256 FROM api_keys WHERE id = :id"), {"id": shown["id"]}).scalar_one()
    assert kept == hashlib.sha256(key.encode()).hexdigest()


def test_revoking_ends_a_key_at_once_and_only_that_key(anna: Person, app: Flask) -> None:
    """Fails when it is not looked at whether a key was revoked: tried."""
    first, second = (anna("POST", KEYS, json={"scopes": ["jobs:read"]}).get_json() for _ in range(2))
    assert Person(app, first["key"])("GET", "/api/v1/jobs").status_code == 200
    assert anna("DELETE", f"{KEYS}/{first['id']}").status_code == 204
    assert anna("DELETE", f"{KEYS}/{first['id']}").status_code == 204
    assert Person(app, first["key"])("GET", "/api/v1/jobs").get_json()["code"] == "unauthorized"
    assert Person(app, second["key"])("GET", "/api/v1/jobs").status_code == 200
    facts = {key["id"]: key for key in anna("GET", KEYS).get_json()["items"]}
    assert facts[first["id"]]["revoked_at"]
    assert facts[second["id"]]["last_used_at"]


@pytest.mark.parametrize("how", ["revoked", "expired"])
@pytest.mark.parametrize("path", ["/api/v1/events", "/api/v1/jobs/{job}/events"])
def test_an_open_stream_ends_with_its_key(
    anna: Person, app: Flask, plane: ControlPlane, monkeypatch: pytest.MonkeyPatch, path: str, how: str
) -> None:
    """Fails when the key is looked at only as the stream opens: tried; the next event was then sent."""
    monkeypatch.setattr(events, "KEY_CHECK_SECONDS", 0.0)
    job_id = anna("POST", "/api/v1/jobs", json={"prompt": "a cat"}).get_json()["id"]
    made = anna("POST", KEYS, json={"scopes": ["jobs:read"]}).get_json()
    headers = {"Authorization": f"Bearer {made['key']}"}
    with app.test_client().get(path.format(job=job_id), headers=headers) as answer:
        stream = answer.iter_encoded()
        assert b"event: snapshot" in next(stream) + next(stream)
        if how == "revoked":
            anna("DELETE", f"{KEYS}/{made['id']}")
        else:
            with writing(plane.engine) as session:
                session.execute(text("UPDATE api_keys SET expires_at = 1 WHERE id = :id"), {"id": made["id"]})
        anna("POST", f"/api/v1/jobs/{job_id}/cancel")
        # the default is for the end
        assert next(stream, None) is None


def test_a_stream_goes_on_while_its_key_counts(anna: Person, app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails when the look at the key always ends the stream: tried."""
    monkeypatch.setattr(events, "KEY_CHECK_SECONDS", 0.0)
    with app.test_client().get("/api/v1/events", headers={"Authorization": f"Bearer {anna.key}"}) as answer:
        stream = answer.iter_encoded()
        next(stream), next(stream)
        anna("POST", "/api/v1/jobs", json={"prompt": "a cat"})
        assert b"event: job.queued" in next(stream)


def test_a_use_that_cannot_be_noted_now_delays_and_fails_no_request(
    anna: Person, app: Flask, plane: ControlPlane, caplog: pytest.LogCaptureFixture
) -> None:
    """Fails when the note is an ordinary write, which waits 15 seconds for its turn and then is a 500: tried."""
    key_id = plane.keys.of("anna").list().items[0].id
    began = time.monotonic()
    with writing(plane.engine) as session:
        session.execute(text("UPDATE api_keys SET name = 'held' WHERE id = :id"), {"id": key_id})
        assert [anna("GET", "/api/v1/jobs").status_code for _ in range(3)] == [200] * 3
    assert time.monotonic() - began < BUSY_SECONDS / 2
    assert caplog.text.count("was not noted") == 1, "not tried again with every request"
    app.extensions[EXTENSION].keys._touch_after.clear()
    assert anna("GET", "/api/v1/jobs").status_code == 200
    assert plane.keys.of("anna").list().items[0].last_used_at


def test_a_full_disk_keeps_nobody_from_reading(anna: Person, app: Flask) -> None:
    """Fails when errors of the note reach the request, which was answered 507: tried."""
    engine = app.extensions[EXTENSION].engine

    @event.listens_for(engine, "before_cursor_execute")
    def full(_c: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("UPDATE api_keys"):
            raise OperationalError(statement, {}, sqlite3.OperationalError("database or disk is full"))

    assert anna("GET", "/api/v1/jobs").status_code == 200
    event.remove(engine, "before_cursor_execute", full)
    if engine.dialect.name == "sqlite":
        with writing(engine) as session:  # the connection came back with its usual patience
            assert session.execute(text("PRAGMA busy_timeout")).scalar_one() == BUSY_SECONDS * 1000


def test_the_id_alone_and_the_secret_of_another_open_nothing(plane: ControlPlane) -> None:
    """Fails when the secret is not compared: tried."""
    one, other = (plane.keys.of("anna").create("", ["admin"]).key for _ in range(2))
    mixed = "_".join([*one.split("_")[:2], other.split("_", 2)[2]])
    for forged in (mixed, one[:-1], one + "A", one.upper(), f"{one}\n", "", "vg_", one.replace("vg_", "vg-")):
        with pytest.raises(KeyRefused):
            plane.keys.recognise(forged)
    assert plane.keys.recognise(one).tenant == "anna"


def test_secrets_are_compared_whole_and_in_constant_time(plane: ControlPlane, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unknown ids are compared too, with the same function. Fails when the comparison is `==`: tried."""
    compared: list[tuple[int, int]] = []

    def compare(a: str, b: str) -> bool:
        compared.append((len(a), len(b)))
        return a == b

    monkeypatch.setattr("vidgen.jobs.tenants.keys.hmac.compare_digest", compare)
    plane.keys.recognise(plane.keys.of("anna").create("", ["admin"]).key)
    with pytest.raises(KeyRefused):
        plane.keys.recognise(f"vg_{'0' * 12}_{'A' * 43}")
    assert compared == [(64, 64), (64, 64)]


def test_unknown_scopes_and_fields_are_refused(anna: Person) -> None:
    """Fails when scopes are not held to the known ones: tried."""
    assert anna("POST", KEYS, json={"scopes": ["everything"]}).get_json()["code"] == "invalid_scopes"
    for body in (
        {},
        {"scopes": []},
        {"scopes": ["admin"], "tenant": "bert"},
        {"scopes": ["admin"], "expires_in_days": 0},
    ):
        assert anna("POST", KEYS, json=body).get_json()["code"] == "invalid_request"


def test_the_list_has_pages(anna: Person) -> None:
    """Fails when the cursor is not heeded: tried."""
    for n in range(4):
        anna("POST", KEYS, json={"name": str(n), "scopes": ["jobs:read"]})
    seen, cursor = [], None
    while True:
        page = anna("GET", f"{KEYS}?limit=2" + (f"&cursor={cursor}" if cursor else "")).get_json()
        seen += [key["id"] for key in page["items"]]
        if (cursor := page["next_cursor"]) is None:
            break
    assert len(seen) == len(set(seen)) == 5


def test_the_first_start_makes_one_key_however_many_processes_start(tmp_path: Path) -> None:
    """Fails when nobody looks again once the lock is held: tried."""
    with control_plane(tmp_path) as plane:
        threads = [threading.Thread(target=plane.keys.create_first, args=(tmp_path,)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        (made,) = plane.keys.list().items
        file = tmp_path / "api_key"
        assert file.stat().st_mode & 0o777 == 0o600
        assert plane.keys.recognise(file.read_text()).id == made.id
        assert plane.keys.create_first(tmp_path) is None


def test_the_command_line_makes_lists_and_revokes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails when revoking changes nothing: tried."""
    monkeypatch.setenv("VIDGEN_DATA_DIR", str(tmp_path))

    def run(*arguments: str) -> str:
        done = CliRunner().invoke(main, list(arguments))
        assert done.exit_code == 0, done.output
        return done.output.strip()

    key = run("keys", "create", "--tenant", "anna", "--scope", "jobs:read", "--days", "2", "--name", "camera")
    key_id = key.split("_")[1]
    assert "anna" in run("keys", "list")
    assert key.split("_", 2)[2] not in run("keys", "list")
    assert len(run("keys", "list", "--tenant", "bert").splitlines()) == 1, "the names of the columns"
    assert run("keys", "revoke", key) == f"{key_id} is revoked"
    assert "revoked" in run("keys", "list")
    assert [line.split(": ")[1].split()[0] for line in run("audit", "list").splitlines()] == [
        "key.created",
        "key.revoked",
    ]
    assert "2 entries, all in order" in run("audit", "verify")
    for wrong in (
        ("keys", "revoke", "none"),
        ("keys", "create", "--tenant", "Anna!"),
        ("keys", "create", "--scope", "x"),
        *(("keys", "create", "--days", days) for days in ("1e300", "nan", "3651")),
    ):
        done = CliRunner().invoke(main, list(wrong))
        assert (done.exit_code, "Traceback" in done.output) == (1, False)


def test_no_answer_holds_a_hash_of_a_key(anna: Person) -> None:
    """Fails when the hash is shown as the name: tried."""
    kept = hashlib.sha256(str(anna.key).encode()).hexdigest()
    for path in (KEYS, f"{KEYS}/{anna('GET', KEYS).get_json()['items'][0]['id']}"):
        answer = anna("GET", path).get_data(as_text=True)
        assert "sha256" not in answer
        assert kept not in answer
