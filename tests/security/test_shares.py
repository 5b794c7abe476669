"""No tenant can hold all event streams; whoever is alone on a machine may."""

from itertools import takewhile

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.security.conftest import Person
from vidgen_web.services import STREAMS

EVENTS = "/api/v1/events"


def opened(app: Flask, key: str | None) -> list[TestResponse]:
    """As many streams as there are to be had."""
    client: FlaskClient = app.test_client(use_cookies=False)
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    answers = (client.get(EVENTS, headers=headers) for _ in range(STREAMS + 1))
    return list(takewhile(lambda answer: answer.status_code == 200, answers))


def test_one_tenant_leaves_streams_to_the_others(app: Flask, anna: Person, bert: Person) -> None:
    """Fails when a tenant may take whatever is free: tried, bert got none."""
    annas = opened(app, anna.key)
    assert len(annas) == STREAMS // 2
    refused = anna("GET", EVENTS)
    assert (refused.status_code, refused.get_json()["code"]) == (503, "too_many_streams")
    assert int(refused.headers["Retry-After"]) > 0
    berts = opened(app, bert.key)
    assert 0 < len(berts) < STREAMS - len(annas), "and one is left for a third tenant"
    for answer in (*annas, *berts):
        answer.close()
    again = opened(app, bert.key)
    assert len(again) == STREAMS // 2, "what was closed is free for anybody"
    for answer in again:
        answer.close()


def test_at_home_there_is_nobody_to_share_with(local_app: Flask) -> None:
    """Fails when streams are always shared: tried, half of them were left over."""
    answers = opened(local_app, None)
    assert len(answers) == STREAMS
    for answer in answers:
        answer.close()
