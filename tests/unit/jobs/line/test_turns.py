"""Whose turn it is, and the switch that stops all turns."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from tests.jobs_fixtures import make_spec, queue_job
from vidgen.errors import SpecError
from vidgen.jobs.database.session import writing
from vidgen.jobs.database.tables import JobRow
from vidgen.jobs.line.waiting import StartBy
from vidgen.jobs.service import ControlPlane
from vidgen.jobs.views import Capacity
from vidgen.spec import JobStatus


def add(plane: ControlPlane, tenant: str, **arguments: object) -> str:
    return plane.jobs.of(tenant).create(make_spec(), model_revision="1", max_queued=1000, **arguments).job.id  # type: ignore[arg-type]


def claim(plane: ControlPlane, **capacity: object) -> str | None:
    taken = plane.jobs.claim("w", 60, Capacity(**capacity))  # type: ignore[arg-type]
    return None if taken is None else taken.job_id


def test_a_tenant_with_fewer_running_jobs_comes_first(plane: ControlPlane) -> None:
    """Fails when `next_in_line` leaves out the count of running jobs: tried, anna then got all her turns first."""
    anna = [add(plane, "anna") for _ in range(3)]
    bert, carl = add(plane, "bert"), add(plane, "carl")
    assert [claim(plane) for _ in range(5)] == [anna[0], bert, carl, anna[1], anna[2]]


def run_one(plane: ControlPlane) -> str | None:
    """What the only worker there is takes and finishes."""
    taken = plane.jobs.claim("w", 60)
    if taken is not None:
        plane.jobs.succeed(taken, [])
    return None if taken is None else taken.job_id


def shown(plane: ControlPlane) -> list[str]:
    """The line by the places shown; each job's own answer says the same as the list."""
    places = {job.id: job.queue_position for job in plane.jobs.list(limit=100, status=JobStatus.QUEUED).items}
    assert {job_id: plane.jobs.get(job_id).queue_position for job_id in places} == places  # type: ignore[union-attr]
    return sorted(places, key=lambda job_id: places[job_id] or 0)


def test_tenants_take_turns_with_one_worker_too(plane: ControlPlane) -> None:
    """Fails when claims leave out the last turn, or do not note it: tried, bert came after all of anna's."""
    anna = [add(plane, "anna") for _ in range(5)]
    bert = [add(plane, "bert") for _ in range(2)]
    expected = [anna[0], bert[0], anna[1], bert[1], *anna[2:]]
    assert shown(plane) == expected
    assert [run_one(plane) for _ in expected] == expected


def test_the_places_shown_are_those_of_one_worker_that_finishes_each_job_first(plane: ControlPlane) -> None:
    """Fails when places are counted without the last turns: tried. The line is asked again before each claim."""
    for tenant, priority in [("c", 5), ("a", 7), ("b", 5), ("c", 5), ("a", 5), ("b", 5), ("c", 2), ("b", 2)]:
        add(plane, tenant, priority=priority)
    add(plane, "b", priority=9)
    run_one(plane)
    order = shown(plane)
    for left in range(len(order)):
        assert shown(plane) == order[left:]
        assert run_one(plane) == order[left]


def test_who_comes_back_has_its_turn_before_who_was_just_served(plane: ControlPlane) -> None:
    """Turns are remembered beyond the jobs that had them."""
    earlier, later = add(plane, "bert"), add(plane, "anna")
    assert [run_one(plane), run_one(plane)] == [earlier, later]
    plane.jobs.delete(earlier)
    anna, bert = add(plane, "anna"), add(plane, "bert")
    assert shown(plane) == [bert, anna]
    assert [run_one(plane), run_one(plane)] == [bert, anna]


def test_priority_comes_before_fairness(plane: ControlPlane) -> None:
    urgent = [add(plane, "anna", priority=9) for _ in range(2)]
    other = add(plane, "bert")
    assert [claim(plane) for _ in range(3)] == [*urgent, other]


def test_the_places_shown_are_the_order_of_the_claims(plane: ControlPlane) -> None:
    made = [
        add(plane, tenant, priority=priority)
        for tenant, priority in [("a", 5), ("a", 5), ("a", 7), ("b", 5), ("c", 7), ("b", 2), ("c", 5), ("a", 5)]
    ]
    add(plane, "b", priority=9)
    claim(plane)  # b has one running now
    alone = {job_id: plane.jobs.get(job_id).queue_position for job_id in made}  # type: ignore[union-attr]
    listed = {job.id: job.queue_position for job in plane.jobs.list(status=JobStatus.QUEUED).items}
    assert alone == listed
    order = [claim(plane) for _ in made]
    assert order == sorted(made, key=lambda job_id: alone[job_id] or 0)


def test_turns_are_fair_also_when_all_ask_at_once(plane: ControlPlane) -> None:
    """Eight workers at once: each tenant gets two turns. On PostgreSQL it fails without CLAIM_LOCK: tried."""
    for tenant in ("a", "b", "c", "d"):
        for _ in range(6):
            add(plane, tenant)
    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(lambda n: plane.jobs.claim(f"w{n}", 60), range(8)))
    with writing(plane.engine) as session:
        owners = Counter(session.get_one(JobRow, it.job_id).tenant for it in taken if it is not None)
    assert owners == {"a": 2, "b": 2, "c": 2, "d": 2}


def test_a_paused_queue_hands_out_nothing_and_lets_the_running_go_on(plane: ControlPlane) -> None:
    """Fails when `due` does not look at the switch: tried."""
    running = queue_job(plane)
    held = plane.jobs.claim("w", 60)
    assert held is not None
    waiting = queue_job(plane)
    assert not plane.switch.state().paused
    state = plane.switch.pause("a new GPU comes in")
    assert (state.paused, state.reason) == (True, "a new GPU comes in")
    assert state.changed_at is not None
    assert not plane.jobs.claimable()
    assert claim(plane) is None
    assert plane.jobs.heartbeat(held, 60).cancel is False
    assert plane.jobs.succeed(held, []) is JobStatus.SUCCEEDED
    later = queue_job(plane)
    assert plane.jobs.get(later.id).queue_position == 2  # type: ignore[union-attr]
    assert not plane.switch.resume().paused
    assert [claim(plane), claim(plane)] == [waiting.id, later.id]
    assert running.id == held.job_id


def test_no_claim_comes_after_a_pause(plane: ControlPlane) -> None:
    """Claims race with the switch: what is running when `pause` returns is all that will ever be."""
    for _ in range(12):
        queue_job(plane)
    with ThreadPoolExecutor(5) as pool:
        claims = [pool.submit(lambda n=n: plane.jobs.claim(f"w{n}", 60)) for n in range(12)]
        plane.switch.pause()
        running = plane.jobs.counts()[JobStatus.RUNNING]
        taken = [it.result() for it in claims]
    assert plane.jobs.counts()[JobStatus.RUNNING] == running == sum(it is not None for it in taken)


def test_a_worker_takes_what_fits_it(plane: ControlPlane) -> None:
    big = add(plane, "a", memory_need={"cpu": {"full": 900, "low": 500}, "cuda": {"full": 90, "low": 50}})
    unknown = add(plane, "a")
    assert not plane.jobs.claimable(Capacity("cpu", 400)) or claim(plane, device="cpu", memory_mb=400) == unknown
    assert claim(plane, device="cpu", memory_mb=499) is None
    taken = plane.jobs.claim("w", 60, Capacity("cpu", 600))
    assert taken is not None
    # only the lower tier fits there
    assert (taken.job_id, taken.memory_tier) == (big, 1)
    plane.jobs.release(taken)
    assert plane.jobs.claimable(Capacity("cuda", 60))


def test_a_job_that_fits_whole_runs_whole(plane: ControlPlane) -> None:
    add(plane, "a", memory_need={"cpu": {"full": 900, "low": 500}})
    taken = plane.jobs.claim("w", 60, Capacity("cpu", 900))
    assert taken is not None
    assert taken.memory_tier == 0


def test_a_job_whose_start_deadline_is_over_is_not_started(plane: ControlPlane) -> None:
    late = add(plane, "a", start_by=StartBy(within_seconds=60))
    soon = datetime.now(UTC) + timedelta(minutes=5)
    timely = add(plane, "a", start_by=StartBy(moment=soon))
    job = plane.jobs.get(timely)
    assert job is not None
    assert job.start_deadline is not None
    assert abs((job.start_deadline - soon).total_seconds()) < 0.001
    with writing(plane.engine) as session:
        session.get_one(JobRow, late).start_deadline = 1.0
    assert claim(plane) == timely
    # it has started in time, so a lost worker does not make it late
    assert plane.jobs.get(timely).start_deadline is None  # type: ignore[union-attr]
    assert claim(plane) is None


def test_a_deadline_that_is_over_is_refused(plane: ControlPlane) -> None:
    with pytest.raises(SpecError, match="this moment is over"):
        add(plane, "a", start_by=StartBy(moment=datetime(2020, 1, 1, tzinfo=UTC)))
    assert plane.jobs.list().items == ()
