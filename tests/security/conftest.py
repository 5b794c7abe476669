"""A service that asks everybody for a key, with two tenants, and keys of every kind."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from tests.declared_problems import UndeclaredProblems
from tests.jobs_fixtures import control_plane, make_settings
from tests.simulated_worker import SimulatedWorker
from vidgen.jobs.service import ControlPlane
from vidgen_web import create_app
from vidgen_web.services import EXTENSION

FAKE_INGEST = Path(__file__).parents[1] / "unit" / "web" / "echo_ingest.py"


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[ControlPlane]:
    with control_plane(tmp_path, auth="keys", max_upload_mb=1) as opened:
        yield opened


@pytest.fixture
def app(plane: ControlPlane) -> Iterator[Flask]:
    app = create_app(plane.settings, ingest_command=(sys.executable, str(FAKE_INGEST)))
    undeclared = UndeclaredProblems(app)
    yield app
    app.extensions[EXTENSION].engine.dispose()
    assert undeclared.found == set(), "declare them beside the route (`problems=`)"


@pytest.fixture
def local_app(tmp_path: Path) -> Iterator[Flask]:
    with control_plane(tmp_path):
        app = create_app(make_settings(tmp_path))
        yield app
        app.extensions[EXTENSION].engine.dispose()


@pytest.fixture
def worker(plane: ControlPlane) -> SimulatedWorker:
    return SimulatedWorker(plane)


@dataclass(frozen=True)
class Person:
    """Somebody with a key, or without one. Answers are read whole, so that no file stays open."""

    app: Flask
    key: str | None = None

    def __call__(self, method: str, path: str, **arguments: Any) -> TestResponse:
        headers = dict(arguments.pop("headers", {}))
        if self.key is not None:
            headers["Authorization"] = f"Bearer {self.key}"
        return self.app.test_client(use_cookies=False).open(
            path, method=method, headers=headers, buffered=True, **arguments
        )


@pytest.fixture
def anna(app: Flask, plane: ControlPlane) -> Person:
    return Person(app, plane.keys.of("anna", "test").create("anna's", ["admin"]).key)


@pytest.fixture
def bert(app: Flask, plane: ControlPlane) -> Person:
    return Person(app, plane.keys.of("bert", "test").create("bert's", ["admin"]).key)


@pytest.fixture
def nobody(app: Flask) -> Person:
    return Person(app)
