"""The rules that every chaos run ends with would notice each thing that they forbid."""

from pathlib import Path

import pytest
from sqlalchemy import text

from tests.faults.invariants import check_invariants
from tests.jobs_fixtures import control_plane, queue_job
from tests.simulated_worker import SimulatedWorker

pytestmark = pytest.mark.faults

CALLBACK = "https://example.com/done"
# what a broken service would leave behind → the rule that finds it
DAMAGE = {
    "UPDATE jobs SET status = 'running'": "not ended",
    "UPDATE jobs SET owner = 'w'": "somebody owns",
    "DELETE FROM job_events WHERE kind = 'job.succeeded'": "exactly one terminal event",
    "INSERT INTO job_events (job_id, kind, data, created_at) SELECT job_id, 'job.failed', data, created_at "
    "FROM job_events WHERE kind = 'job.succeeded'": "exactly one terminal event",
    "UPDATE job_events SET kind = 'job.failed' WHERE kind = 'job.succeeded'": "another status",
    "INSERT INTO job_events (job_id, kind, data, created_at) SELECT job_id, 'job.progress', data, created_at "
    "FROM job_events WHERE kind = 'job.queued'": "after the terminal one",
    "DELETE FROM artifacts": "without a video",
    "UPDATE artifacts SET attempt = 9": "of another attempt",
    "DELETE FROM outbox": "announced exactly once",
    "UPDATE jobs SET attempt = 2": "of another attempt",
    "UPDATE artifacts SET sha256 = 'x'": "damaged",
    "DELETE FROM jobs": "a 202 was lost",
}


def test_a_sound_run_passes(tmp_path: Path) -> None:
    """The control of the tests below."""
    with control_plane(tmp_path) as plane:
        job_id = queue_job(plane, callback_url=CALLBACK).id
        SimulatedWorker(plane).run()
        check_invariants(plane, [job_id])


@pytest.mark.parametrize(("damage", "rule"), DAMAGE.items(), ids=lambda text: text[:40])
def test_damage_is_noticed(tmp_path: Path, damage: str, rule: str) -> None:
    """Fails when the rules in SQL are not asked, for the ten kinds of damage that they find: tried."""
    with control_plane(tmp_path) as plane:
        job_id = queue_job(plane, callback_url=CALLBACK).id
        SimulatedWorker(plane).run()
        with plane.engine.begin() as connection:
            connection.execute(text(damage))
        with pytest.raises(AssertionError, match=rule):
            check_invariants(plane, [job_id])


def test_a_post_that_made_two_jobs_and_a_cancel_that_was_overrun_are_noticed(tmp_path: Path) -> None:
    """Fails when jobs that nobody was told of are not looked for: tried."""
    with control_plane(tmp_path) as plane:
        first, second = queue_job(plane).id, queue_job(plane).id
        worker = SimulatedWorker(plane)
        worker.run()
        worker.run()
        with pytest.raises(AssertionError, match="more than one job"):
            check_invariants(plane, [first])
        with pytest.raises(AssertionError, match="after an accepted cancel"):
            check_invariants(plane, [first, second], [second])
