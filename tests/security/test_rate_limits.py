"""Token buckets: bursts are allowed, floods are not, and answers say how things stand."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from tests.jobs_fixtures import control_plane, make_settings
from tests.security.conftest import Person
from vidgen.jobs.service import ControlPlane
from vidgen_web import create_app
from vidgen_web.rate_limits import Buckets
from vidgen_web.services import EXTENSION

LIMIT = 3


@pytest.fixture
def tight(tmp_path: Path) -> Iterator[tuple[Flask, ControlPlane]]:
    with control_plane(tmp_path) as plane:
        app = create_app(make_settings(tmp_path, rate_limit=LIMIT))
        yield app, plane
        app.extensions[EXTENSION].engine.dispose()


def test_a_bucket_empties_refills_and_never_overflows() -> None:
    """Fails when time does not refill it, or refills above the limit: tried."""
    buckets = Buckets(60)
    assert [buckets.take("a", 0.0).allowed for _ in range(61)] == [True] * 60 + [False]
    assert buckets.take("a", 0.5).wait_seconds == 1
    assert buckets.take("b", 0.5).allowed
    assert buckets.take("a", 1.0).allowed
    assert [buckets.take("a", 9999.0).allowed for _ in range(61)].count(True) == 60


def test_too_much_is_told_with_the_time_to_wait(tight: tuple[Flask, ControlPlane]) -> None:
    """Fails when each key has a bucket of its own: tried."""
    app, plane = tight
    keys = [Person(app, plane.keys.of("anna").create("", ["admin"]).key) for _ in range(2)]
    answers = [keys[n % 2]("GET", "/api/v1/jobs") for n in range(LIMIT + 1)]
    assert [answer.status_code for answer in answers] == [200] * LIMIT + [429]
    assert answers[0].headers["RateLimit-Policy"] == f'"requests";q={LIMIT};w=60'
    assert answers[0].headers["RateLimit"] == f'"requests";r={LIMIT - 1};t=0'
    refused = answers[-1]
    assert refused.get_json()["code"] == "rate_limited"
    assert 1 <= int(refused.headers["Retry-After"]) <= 20
    assert refused.headers["RateLimit"].startswith('"requests";r=0;t=')
    # another tenant has a bucket of its own, and this machine's user none
    assert Person(app, plane.keys.of("bert").create("", ["admin"]).key)("GET", "/api/v1/jobs").status_code == 200
    assert {app.test_client().get("/api/v1/jobs").status_code for _ in range(2 * LIMIT)} == {200}
