"""Machine time by day."""

from datetime import UTC, datetime

import pytest

from tests.jobs_fixtures import queue_job
from vidgen.jobs.database.session import writing
from vidgen.jobs.database.tables import JobRow
from vidgen.jobs.service import ControlPlane
from vidgen.jobs.tenants.spending import spent


@pytest.mark.parametrize("hour", [0, 3, 11, 13, 23])
def test_time_counts_for_the_day_on_which_a_job_ended(plane: ControlPlane, hour: int) -> None:
    """Fails when half a day is taken off before cutting to whole days: tried, mornings counted for the day before."""
    job, today = queue_job(plane), datetime.now(UTC).date()
    ended = datetime(today.year, today.month, today.day, hour, 30, tzinfo=UTC).timestamp() - 3 * 86400
    with writing(plane.engine) as session:
        row = session.get_one(JobRow, job.id)
        row.started_at, row.finished_at = ended - 90, ended
    found = spent(plane.engine, "local", days=30)
    assert [(it.day, it.jobs, it.seconds) for it in found] == [(datetime.fromtimestamp(ended, UTC).date(), 1, 90)]
    assert spent(plane.engine, "local", days=1) == []
