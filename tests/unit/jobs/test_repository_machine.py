"""The repository against a simple model, on SQLite (on PostgreSQL: tests/integration/test_repository_machine.py).

Invariants: each round of a job ends once with one event, an attempt only grows, a zombie changes nothing, turns are
fair, no job is lost. VIDGEN_TEST_EXAMPLES sets how many runs there are.

Fails when the fence does not look at the attempt, and when a terminal event is written twice: tried.
"""

import os

from hypothesis import HealthCheck, settings

from tests.unit.jobs.repository_machine import RepositoryMachine

SCALE = settings(
    max_examples=int(os.environ.get("VIDGEN_TEST_EXAMPLES", "8")),
    stateful_step_count=40,
    deadline=None,
    database=None,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)


class SqliteMachine(RepositoryMachine):
    pass


TestOnSqlite = SqliteMachine.TestCase
TestOnSqlite.settings = SCALE
