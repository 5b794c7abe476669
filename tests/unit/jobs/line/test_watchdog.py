"""Jobs that nobody takes: failed at their deadline, else told of."""

import pytest

from tests.jobs_fixtures import make_spec, queue_job
from vidgen.jobs.database.session import writing
from vidgen.jobs.database.tables import JobEventRow, JobRow
from vidgen.jobs.line.waiting import StartBy
from vidgen.jobs.service import ControlPlane
from vidgen.jobs.state.readiness import check_readiness, worst
from vidgen.jobs.tenants.quotas import Limits
from vidgen.jobs.views import Capacity, JobProblem
from vidgen.spec import JobStatus

NEED = {"cpu": {"full": 900, "low": 500}}


def kinds(plane: ControlPlane, job_id: str) -> list[str]:
    return [event.kind for event in plane.jobs.events(0, job_id)]


def change_row(plane: ControlPlane, job_id: str, **values: object) -> None:
    with writing(plane.engine) as session:
        row = session.get_one(JobRow, job_id)
        for name, value in values.items():
            setattr(row, name, value)


def problem(plane: ControlPlane, job_id: str) -> JobProblem | None:
    job = plane.jobs.get(job_id)
    assert job is not None
    return job.problem


def wait_long(plane: ControlPlane) -> str:
    """A job that has been due for long."""
    job_id = plane.jobs.create(make_spec(), model_revision="1", max_queued=99, memory_need=NEED).job.id
    change_row(plane, job_id, run_after=1000.0)
    return job_id


def test_a_job_not_started_in_time_fails_once(plane: ControlPlane) -> None:
    """Fails when `_late` does not look at the deadline: tried."""
    late = queue_job(plane, start_by=StartBy(within_seconds=60), callback_url="https://a.example/").id
    timely = queue_job(plane, start_by=StartBy(within_seconds=60)).id
    change_row(plane, late, start_deadline=1.0)
    assert [plane.watchdog.fail_late(), plane.watchdog.fail_late()] == [1, 0]
    job = plane.jobs.get(late)
    assert job is not None
    assert job.error is not None
    assert (job.status, job.error.code) == (JobStatus.FAILED, "start_deadline_passed")
    assert kinds(plane, late) == ["job.queued", "job.failed"]
    assert len(plane.deliveries.list().items) == 1
    assert kinds(plane, timely) == ["job.queued"]
    assert plane.jobs.retry(late).start_deadline is None


def test_a_running_job_has_met_its_deadline(plane: ControlPlane) -> None:
    queue_job(plane, start_by=StartBy(within_seconds=60))
    assert plane.jobs.claim("w", 60) is not None
    assert plane.watchdog.fail_late() == 0


def test_nobody_there_to_claim_is_told_once(plane: ControlPlane) -> None:
    job_id, young = wait_long(plane), queue_job(plane).id
    assert plane.watchdog.mark() == {"no_workers": 1}
    assert plane.watchdog.mark() == {}
    assert problem(plane, job_id) == JobProblem(code="no_workers", message="no worker is running")
    assert problem(plane, young) is None
    assert kinds(plane, job_id) == ["job.queued", "job.stalled"]


def test_a_job_that_just_came_back_has_not_waited(plane: ControlPlane) -> None:
    """Fails when the time is counted from `run_after` alone: tried."""
    job_id = wait_long(plane)
    claim = plane.jobs.claim("w", 60)
    assert claim is not None
    plane.jobs.release(claim)
    assert plane.watchdog.mark() == {}
    with writing(plane.engine) as session:
        for event in session.query(JobEventRow).filter_by(job_id=job_id, kind="job.requeued"):
            event.created_at = 1000.0
    assert plane.watchdog.mark() == {"no_workers": 1}


@pytest.mark.parametrize(
    ("memory_mb", "working_on", "code"),
    [(400, None, "no_worker_fits"), (600, None, "not_claimed"), (None, None, "not_claimed"), (600, "job_x", None)],
)
def test_the_reason_is_named(plane: ControlPlane, memory_mb: int | None, working_on: str | None, code: str) -> None:
    job_id = wait_long(plane)
    plane.presence.beat("w", working_on, Capacity("cpu", memory_mb))
    plane.watchdog.look()
    found = problem(plane, job_id)
    assert (found and found.code) == code


def test_a_busy_line_is_no_problem(plane: ControlPlane) -> None:
    job_id = wait_long(plane)
    queue_job(plane, priority=9)
    assert plane.jobs.claim("w", 60) is not None  # somebody has just taken one, though the worker says it is free
    plane.presence.beat("w", None, Capacity("cpu", 1000))
    assert plane.watchdog.mark() == {}
    assert problem(plane, job_id) is None


def test_a_problem_changes_and_goes_away(plane: ControlPlane) -> None:
    job_id = wait_long(plane)
    plane.switch.pause()
    assert plane.watchdog.mark() == {"queue_paused": 1}
    plane.switch.resume()
    assert plane.watchdog.mark() == {"no_workers": 1}
    plane.presence.beat("w", "job_x", Capacity("cpu", 1000))
    assert plane.watchdog.mark() == {}
    assert problem(plane, job_id) is None
    plane.presence.leave("w")
    plane.watchdog.look()
    assert plane.jobs.claim("w", 60) is not None
    assert problem(plane, job_id) is None
    assert kinds(plane, job_id) == ["job.queued", "job.stalled", "job.stalled", "job.stalled", "job.running"]


def test_a_job_that_its_tenants_limit_holds_back_is_no_problem(plane: ControlPlane) -> None:
    """Fails when `mark` does not ask whether the tenant may run another: tried, /readyz was then degraded."""
    running, held = wait_long(plane), wait_long(plane)
    plane.quotas.set("local", Limits(max_running=1), actor="test")
    claim = plane.jobs.claim("w", 3600)
    assert claim is not None
    change_row(plane, running, started_at=1000.0)  # nothing was taken for long
    plane.presence.beat("w", running, Capacity("cpu", 1000))
    plane.presence.beat("idle", None, Capacity("cpu", 1000))
    assert plane.watchdog.mark() == {}
    assert problem(plane, held) is None
    assert worst(check_readiness(plane.engine, plane.settings)) == "ok"
    plane.jobs.succeed(claim, [])
    assert plane.watchdog.mark() == {"not_claimed": 1}
