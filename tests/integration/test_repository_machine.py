"""The repository against its model on PostgreSQL; the SQLite run and what breaks it: tests/unit/jobs."""

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from tests.unit.jobs.repository_machine import RepositoryMachine
from tests.unit.jobs.test_repository_machine import SCALE

pytestmark = pytest.mark.integration


@pytest.mark.usefixtures("on_postgres")
def test_on_postgresql() -> None:
    examples = max(1, SCALE.max_examples // 2)
    run_state_machine_as_test(RepositoryMachine, settings=settings(SCALE, max_examples=examples))
