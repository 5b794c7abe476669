"""Counters: exact under concurrency, written with what they count, and still there when that is gone."""

import threading

import pytest

from tests.jobs_fixtures import queue_job
from vidgen.jobs.database.session import writing
from vidgen.jobs.database.tables import JobRow
from vidgen.jobs.service import ControlPlane
from vidgen.jobs.state import tallies
from vidgen.jobs.state.figures import figures
from vidgen.spec import Stage

LEASE = 60.0


def counts(plane: ControlPlane, name: str) -> dict[str, int]:
    return {label: tally.count for label, tally in figures(plane.engine).tallies.get(name, {}).items()}


def claimed(plane: ControlPlane):
    claim = plane.jobs.claim("w", LEASE)
    assert claim is not None
    return claim


def test_every_way_a_job_ends_is_counted_and_outlives_the_job(plane: ControlPlane) -> None:
    good, bad, dropped = (queue_job(plane).id for _ in range(3))
    plane.jobs.succeed(claimed(plane), [])
    plane.jobs.fail(claimed(plane), "invalid_media", "no clip", False)
    plane.jobs.cancel(dropped)
    for job_id in (good, bad, dropped):
        plane.jobs.delete(job_id)
    assert counts(plane, tallies.JOBS) == {
        "queued": 3, "running": 2, "succeeded": 1, "failed:invalid_media": 1, "cancelled": 1,
    }  # fmt: skip
    assert sum(figures(plane.engine).jobs.values()) == 0


def test_what_is_rolled_back_was_not_counted(plane: ControlPlane) -> None:
    with pytest.raises(ValueError, match="stop"), writing(plane.engine) as session:  # noqa: PT012
        tallies.count(session, "x")
        raise ValueError("stop")
    assert counts(plane, "x") == {}


def test_no_count_is_lost_among_many_writers(plane: ControlPlane) -> None:
    """Fails when `count` reads and then writes the number itself: tried on PostgreSQL."""

    def write() -> None:
        for _ in range(25):
            with writing(plane.engine) as session:
                tallies.count(session, "x", seconds=0.5)

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert figures(plane.engine).tallies["x"][""] == tallies.Tally(100, 50.0)


def test_a_wait_is_measured_from_the_moment_a_job_may_start_and_once_a_job(plane: ControlPlane) -> None:
    job_id = queue_job(plane).id
    with writing(plane.engine) as session:
        session.get_one(JobRow, job_id).run_after -= 30.0
    plane.jobs.release(claimed(plane))
    claimed(plane)
    waits = figures(plane.engine).tallies[tallies.CLAIM_SECONDS]
    assert list(waits) == ["60.0"]
    assert waits["60.0"].count == 1
    assert 30.0 <= waits["60.0"].total < 60.0


def test_a_lost_lease_is_counted(plane: ControlPlane) -> None:
    queue_job(plane)
    claim = claimed(plane)
    with writing(plane.engine) as session:
        session.get_one(JobRow, claim.job_id).lease_until = 1.0
    assert plane.jobs.expire_leases() == 1
    assert counts(plane, tallies.LEASES_LOST) == {"": 1}
    assert counts(plane, tallies.JOBS)["requeued"] == 1


def test_stage_times_add_up(plane: ControlPlane) -> None:
    plane.stage_times.add({Stage.DENOISING: 2.0, Stage.LOADING: 0.5})
    plane.stage_times.add({Stage.DENOISING: 3.0})
    stages = figures(plane.engine).tallies[tallies.STAGE_SECONDS]
    assert stages == {"denoising": tallies.Tally(2, 5.0), "loading": tallies.Tally(1, 0.5)}
