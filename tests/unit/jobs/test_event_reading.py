"""What a stream's question costs grows neither with what others do nor with the jobs that have ended."""

import sqlite3

import pytest
from sqlalchemy import event, insert, select

from tests.jobs_fixtures import make_spec
from vidgen.jobs.database.tables import JOBS, JobEventRow, table_of
from vidgen.jobs.service import ControlPlane

FOREIGN, OLD, EVERY = 3000, 300, 10


@pytest.fixture
def steps(plane: ControlPlane) -> list[int]:
    """Grows by one with every EVERY instructions that SQLite's machine runs."""
    if plane.engine.dialect.name != "sqlite":
        pytest.skip("counts what SQLite's machine does")
    counted: list[int] = []

    def watch(connection: sqlite3.Connection, *_: object) -> None:
        connection.set_progress_handler(lambda: counted.append(1), EVERY)

    event.listen(plane.engine, "connect", watch)
    plane.engine.dispose()  # those that are open are not watched
    return counted


@pytest.mark.parametrize("by_job", [False, True], ids=["of a tenant", "of a job"])
def test_what_others_do_costs_a_stream_nothing(plane: ControlPlane, steps: list[int], *, by_job: bool) -> None:
    """Fails when events learn their tenant from their job, which visits all jobs of the tenant (2,400 steps), and
    without the index by tenant (9,000): tried."""
    mine, theirs = (queued(plane, name) for name in ("anna", "bert"))
    after = plane.jobs.last_event_id() - 1
    with plane.engine.begin() as connection:
        finished = connection.execute(select(JOBS).where(JOBS.c.id == mine)).one()._asdict()
        connection.execute(insert(JOBS), [{**finished, "id": f"job_{n}", "status": "failed"} for n in range(OLD)])
        progress = {"job_id": theirs, "tenant": "bert", "kind": "job.progress", "data": {}, "created_at": 1.0}
        connection.execute(insert(table_of(JobEventRow)), [progress] * FOREIGN)
    steps.clear()
    assert plane.jobs.of("anna").events(after, job_id=mine if by_job else None) == []
    assert len(steps) * EVERY < 200
    assert [it.job_id for it in plane.jobs.of("anna").events(0)] == [mine]
    assert len(plane.jobs.of("bert").events(after, limit=FOREIGN + 9)) == FOREIGN + 1


def queued(plane: ControlPlane, tenant: str) -> str:
    return plane.jobs.of(tenant).create(make_spec(), model_revision="1", max_queued=9).job.id
