"""What the API says of wrong values, in the reader's language."""

import re
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.simulated_worker import SimulatedWorker
from tests.unit.web.portal_forms import send, token
from vidgen_web.portal.messages import FAILURES, FORMS, HOLE, said
from vidgen_web.portal.words import day, moment

ROOT = Path(__file__).parents[3]
SOURCES = ("vidgen", "web/vidgen_web", "models/vidgen_models", "workers")
GERMAN = {"Accept-Language": "de", "Accept": "text/html"}


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ({"num_frames": "20"}, "17 oder 21"),
        ({"num_inference_steps": "many"}, "Schritte: bitte eine ganze Zahl angeben"),
        ({"post.sharpen.on": "1", "post.sharpen.amount": "9"}, "darf höchstens 3 sein"),
        ({"post.watermark.on": "1"}, "bitte einen Text oder ein Bild angeben"),
        ({"advanced.eta": "0.5"}, "sprites-64 nimmt das nicht an, nur "),
        ({"task": "video-to-video", "video.artifact_id": "art_gone"}, "das gibt es hier nicht oder nicht mehr"),
        ({"count": "9" * 5000}, "bitte eine ganze Zahl von höchstens 18 Ziffern angeben"),
    ],
)
def test_refusals_are_told_in_german(client: FlaskClient, form: dict[str, str], text: str) -> None:
    """Fails when the message is shown as the API says it: tried."""
    data = {"csrf_token": token(client), "prompt": "a cat", **form}
    page = client.post("/jobs", data=data, headers=GERMAN)
    assert page.status_code == 422
    assert text in page.get_data(as_text=True)


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ({"num_inference_steps": "many"}, "Steps: give a whole number<"),
        ({"post.sharpen.on": "1", "post.sharpen.amount": "9"}, "may be at most 3<"),
        ({"trajectories.0.points.0.x": "0.2", "trajectories.0.points.0.y": "0.5"}, "Path 1: give at least 2, not 1<"),
    ],
)
def test_refusals_are_told_in_english(client: FlaskClient, form: dict[str, str], text: str) -> None:
    """In words of ours."""
    status, page = send(client, prompt="a cat", **form)
    assert (status, text in page) == (422, True), re.findall(r'class="wrong"[^>]*>([^<]+)', page)


@pytest.mark.parametrize(("language", "told"), [("de", "21. November 2026"), ("en", "21 November 2026")])
def test_days_are_written_as_the_language_does(app: Flask, language: str, told: str) -> None:
    """Fails when German has no point behind the day: tried."""
    with app.test_request_context(headers={"Accept-Language": language}):
        assert day(date(2026, 11, 21)) == told
        assert moment(datetime(2026, 11, 21, 14, 5, tzinfo=UTC)) == f"{told}, 14:05 UTC"


def test_a_failed_job_and_a_missing_page_speak_german(client: FlaskClient, worker: SimulatedWorker) -> None:
    _, where = send(client, prompt="a cat")
    worker.plane.jobs.fail(worker.claim(), "out_of_memory", "needs 900 MB", False)
    assert "Der Speicher des Geräts reichte nicht" in client.get(where, headers=GERMAN).get_data(as_text=True)
    assert "needs 900 MB" in client.get(where, headers={"Accept-Language": "en"}).get_data(as_text=True)
    assert "es gibt keinen Auftrag nothing" in client.get("/jobs/nothing", headers=GERMAN).get_data(as_text=True)


def test_every_form_is_one_that_is_said(app: Flask) -> None:
    """Fails when the API changes words that it says in one sentence alone, and the form is left behind: tried."""
    sources = [file.read_text() for folder in SOURCES for file in (ROOT / folder).rglob("*.py")]
    text = "\n".join(source for source in sources if "FORMS = (" not in source)
    for form in FORMS:
        # sentences are put together of such pieces
        pieces = [piece.strip(" ()") for part in HOLE.split(form)[::2] for piece in re.split("[;,]", part)]
        assert all(piece in text for piece in pieces), form
    docs = (ROOT / "docs" / "api.md").read_text()
    assert all(f"`{code}`" in docs for code in FAILURES)
    with app.test_request_context(headers=GERMAN):
        assert said("quite unheard of") == "quite unheard of"
        assert said("may be at most 3") == "darf höchstens 3 sein"
