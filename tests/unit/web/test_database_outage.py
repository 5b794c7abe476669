"""A database that is away or locked is a 503 that says when to come back, in every form of error that there is.

Fails when OperationalError is answered like any other exception: tried, all were 500. PostgreSQL that dies and comes
back: tests/integration/test_database_outage.py.
"""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from vidgen.jobs.settings import Settings
from vidgen_web import create_app
from vidgen_web.api import events
from vidgen_web.services import EXTENSION

PAGE = {"Accept": "text/html"}


@pytest.fixture
def impatient(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Flask]:
    """Waits a second for locks, not fifteen."""
    monkeypatch.setattr("vidgen.jobs.database.session.BUSY_SECONDS", 1)
    app = create_app(settings)
    yield app
    app.extensions[EXTENSION].engine.dispose()


def move_away(app: Flask, settings: Settings) -> Path:
    """The database file is gone, and with it every open connection."""
    file, hidden = settings.data_dir / "vidgen.db", settings.data_dir / "hidden.db"
    app.extensions[EXTENSION].engine.dispose()
    file.rename(hidden)
    file.mkdir()  # what cannot be opened; a missing file would be made anew
    return hidden


def test_a_database_that_is_gone_is_told_in_every_form(app: Flask, client: FlaskClient, settings: Settings) -> None:
    job = client.post("/api/v1/jobs", json={"prompt": "x"}).get_json()["id"]
    hidden = move_away(app, settings)
    for answer in (client.get(f"/api/v1/jobs/{job}"), client.post("/api/v1/jobs", json={"prompt": "x"})):
        assert (answer.status_code, answer.content_type) == (503, "application/problem+json")
        assert answer.get_json()["code"] == "database_unavailable"
        assert int(answer.headers["Retry-After"]) > 0
    for answer in (client.get("/v1/videos"), client.post("/v1/videos", json={"prompt": "x"})):
        error = answer.get_json()["error"]
        assert (answer.status_code, error["code"], error["type"]) == (503, "database_unavailable", "server_error")
        assert int(answer.headers["Retry-After"]) > 0
    page = client.get("/", headers=PAGE)
    assert (page.status_code, page.mimetype) == (503, "text/html")
    assert "database_unavailable" in page.text
    assert int(page.headers["Retry-After"]) > 0
    assert client.get("/static/style.css", buffered=True).status_code == 200, "the page's looks need no database"
    assert client.get("/healthz").status_code == 200
    (settings.data_dir / "vidgen.db").rmdir()
    hidden.rename(settings.data_dir / "vidgen.db")
    assert client.get(f"/api/v1/jobs/{job}").status_code == 200, "it needs no help when the database is back"


def test_a_locked_database_lets_read_and_refuses_writes(
    impatient: Flask, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    client = impatient.test_client()
    job = client.post("/api/v1/jobs", json={"prompt": "x"}).get_json()["id"]
    other = sqlite3.connect(settings.data_dir / "vidgen.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert client.get(f"/api/v1/jobs/{job}").status_code == 200
    for answer in (client.post("/api/v1/jobs", json={"prompt": "y"}), client.post(f"/api/v1/jobs/{job}/cancel")):
        assert (answer.status_code, answer.get_json()["code"]) == (503, "database_unavailable")
    assert "locked" in caplog.text
    assert "Traceback" not in caplog.text
    other.execute("ROLLBACK")
    other.close()
    assert client.post(f"/api/v1/jobs/{job}/cancel").get_json()["status"] == "cancelled"
    assert len(client.get("/api/v1/jobs").get_json()["items"]) == 1


def test_a_stream_waits_for_the_database(
    app: Flask, client: FlaskClient, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fails when the error of one look ends the stream: tried."""
    monkeypatch.setattr(events, "KEEP_ALIVE_SECONDS", 0.0)
    job = client.post("/api/v1/jobs", json={"prompt": "x"}).get_json()["id"]
    with client.get(f"/api/v1/jobs/{job}/events") as answer:
        stream = answer.iter_encoded()
        assert b"event: snapshot" in next(stream) + next(stream)
        hidden = move_away(app, settings)
        # each follows a look at the database and a look for the job
        assert [next(stream) for _ in range(2)] == [b": keep-alive\n\n"] * 2
        (settings.data_dir / "vidgen.db").rmdir()
        hidden.rename(settings.data_dir / "vidgen.db")
        client.post(f"/api/v1/jobs/{job}/cancel")
        assert b"event: job.cancelled" in b"".join(stream)
