"""The control plane of one test; tests of what the database does run on both databases."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.jobs_fixtures import control_plane
from vidgen.jobs.service import ControlPlane

SQLITE, POSTGRESQL = "sqlite", "postgresql"
# the rest is about files, about SQLite alone, or asks no database
ON_BOTH = frozenset(
    {
        "cleaning",
        "deliveries",
        "grouped",
        "leases",
        "readiness",
        "repository",
        "rolling_upgrade",
        "spending",
        "tallies",
        "turns",
        "waiting",
        "watchdog",
        "webhooks",
    }
)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "plane" in metafunc.fixturenames and metafunc.module.__name__.rpartition(".test_")[2] in ON_BOTH:
        both = [SQLITE, pytest.param(POSTGRESQL, marks=pytest.mark.integration)]
        metafunc.parametrize("plane", both, indirect=True)


@pytest.fixture
def plane(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ControlPlane]:
    if getattr(request, "param", SQLITE) == POSTGRESQL:
        request.getfixturevalue("on_postgres")
    with control_plane(tmp_path) as opened:
        yield opened
