"""A real app on a real SQLite database in a temporary folder; the worker is played by the test."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.declared_problems import UndeclaredProblems
from tests.recipes import RECALL
from tests.simulated_worker import SimulatedWorker
from vidgen.jobs.database.session import migrate
from vidgen.jobs.service import ControlPlane, open_control_plane
from vidgen.jobs.settings import Settings
from vidgen_web import create_app
from vidgen_web.services import EXTENSION

FAKE_INGEST = Path(__file__).parent / "echo_ingest.py"


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """An empty database file; migrating it anew for every test would take longer than the tests."""
    settings = Settings(data_dir=tmp_path_factory.mktemp("empty"))
    migrate(settings)
    return (settings.data_dir / "vidgen.db").read_bytes()


@pytest.fixture
def settings(tmp_path: Path, migrated: bytes) -> Settings:
    (tmp_path / "vidgen.db").write_bytes(migrated)
    return Settings(data_dir=tmp_path, max_upload_mb=1, max_queued=5)


@pytest.fixture
def app(settings: Settings) -> Iterator[Flask]:
    app = create_app(settings, ingest_command=(sys.executable, str(FAKE_INGEST)), recall_command=RECALL)
    undeclared = UndeclaredProblems(app)
    yield app
    app.extensions[EXTENSION].engine.dispose()
    assert undeclared.found == set(), "declare them beside the route (`problems=`)"


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def plane(settings: Settings) -> Iterator[ControlPlane]:
    plane = open_control_plane(settings)
    yield plane
    plane.engine.dispose()


@pytest.fixture
def worker(plane: ControlPlane) -> SimulatedWorker:
    return SimulatedWorker(plane)
