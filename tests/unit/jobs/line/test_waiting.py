"""Edits, moves and stops: what may be changed of a job, and until when."""

import threading
from collections.abc import Callable

import pytest

from tests.jobs_fixtures import make_spec, queue_job
from vidgen.errors import SpecError, VidgenError
from vidgen.jobs.line.waiting import ResolvedSpec, StartBy
from vidgen.jobs.service import ControlPlane
from vidgen.spec import JobStatus, TextToVideo

EDITED = ResolvedSpec(make_spec("a blue cube", seed=9), "2", {"cpu": {"full": 10, "low": 5}})


def code_of(call: Callable[[], object]) -> str:
    with pytest.raises(VidgenError) as caught:
        call()
    return caught.value.code


def line(plane: ControlPlane) -> list[str]:
    jobs = plane.jobs.list(status=JobStatus.QUEUED).items
    return [job.id for job in sorted(jobs, key=lambda job: job.queue_position or 0)]


def test_an_edit_changes_what_will_run(plane: ControlPlane) -> None:
    job_id = queue_job(plane, start_by=StartBy(within_seconds=60)).id
    job = plane.jobs.change(job_id, edited=EDITED, priority=8, start_by=StartBy(), version=1)
    assert job == plane.jobs.get(job_id)
    assert (job.spec, job.model_revision, job.priority) == (EDITED.spec, "2", 8)
    assert (job.version, job.start_deadline) == (2, None)
    assert [event.kind for event in plane.jobs.events(0, job_id)] == ["job.queued", "job.changed"]
    claim = plane.jobs.claim("w", 60)
    assert claim is not None
    assert claim.spec == EDITED.spec


def test_an_edit_of_an_old_version_is_refused(plane: ControlPlane) -> None:
    """Fails when `change` does not compare versions: tried, the second editor then wrote over the first."""
    job_id = queue_job(plane).id
    plane.jobs.change(job_id, priority=6, version=1)
    assert code_of(lambda: plane.jobs.change(job_id, priority=7, version=1)) == "version_mismatch"
    assert plane.jobs.get(job_id).priority == 6  # type: ignore[union-attr]
    assert plane.jobs.change(job_id, priority=7).version == 3


@pytest.mark.parametrize("verb", ["change", "move", "move_before"])
def test_nothing_is_changed_once_it_runs_or_has_ended(plane: ControlPlane, verb: str) -> None:
    """Fails when `_queued` does not look at the status: tried, the running job's spec changed under its worker."""
    job_id, other = queue_job(plane).id, queue_job(plane).id
    claim = plane.jobs.claim("w", 60)
    assert claim is not None
    calls: dict[str, Callable[[], object]] = {
        "change": lambda: plane.jobs.change(job_id, edited=EDITED),
        "move": lambda: plane.jobs.move(job_id),
        "move_before": lambda: plane.jobs.move(other, before=job_id),
    }
    before = plane.jobs.get(job_id)
    assert code_of(calls[verb]) == "job_not_queued"
    assert plane.jobs.get(job_id) == before
    plane.jobs.succeed(claim, [])
    assert code_of(calls[verb]) == "job_not_queued"


def test_an_edit_that_races_with_a_claim_is_either_whole_or_refused(plane: ControlPlane) -> None:
    for _ in range(8):
        job_id = queue_job(plane).id
        outcome: list[str] = []

        def edit(job_id: str = job_id, outcome: list[str] = outcome) -> None:
            try:
                plane.jobs.change(job_id, edited=EDITED)
                outcome.append("edited")
            except VidgenError as error:
                outcome.append(error.code)

        editor = threading.Thread(target=edit)
        editor.start()
        claim = plane.jobs.claim("w", 60)
        editor.join()
        # a claim passes by a row that somebody holds
        claim = claim or plane.jobs.claim("w", 60)
        assert claim is not None
        assert claim.spec == (EDITED.spec if outcome == ["edited"] else make_spec())
        assert outcome in (["edited"], ["job_not_queued"])


def test_a_deadline_that_is_over_changes_nothing(plane: ControlPlane) -> None:
    job = queue_job(plane)
    moment = job.created_at.replace(year=2020)
    with pytest.raises(SpecError):
        plane.jobs.change(job.id, priority=9, start_by=StartBy(moment=moment))
    assert plane.jobs.get(job.id) == job


def test_moving_to_the_front_and_before_another(plane: ControlPlane) -> None:
    a, b, c, d = (queue_job(plane).id for _ in range(4))
    assert plane.jobs.move(c).queue_position == 1
    assert line(plane) == [c, a, b, d]
    assert plane.jobs.move(d, before=b).queue_position == 3
    assert line(plane) == [c, a, d, b]
    assert plane.jobs.move(c, before=b).queue_position == 3
    assert line(plane) == [a, d, c, b]
    assert plane.jobs.move(a).queue_position == 1
    taken = [plane.jobs.claim("w", 60) for _ in range(4)]
    assert [claim.job_id for claim in taken if claim] == [a, d, c, b]


def test_a_move_takes_on_the_priority_of_where_it_goes(plane: ControlPlane) -> None:
    urgent, usual = queue_job(plane, priority=8).id, queue_job(plane).id
    assert plane.jobs.move(usual).priority == 8
    assert line(plane) == [usual, urgent]
    low = queue_job(plane, priority=1).id
    assert plane.jobs.move(urgent, before=low).priority == 1
    assert line(plane) == [usual, urgent, low]


def test_hundreds_of_moves_into_the_same_gap_keep_their_order(plane: ControlPlane) -> None:
    first, second, third = (queue_job(plane).id for _ in range(3))
    for turn in range(120):
        mover, other = ((second, third), (third, second))[turn % 2]
        plane.jobs.move(mover, before=first)
        assert [job_id for job_id in line(plane) if job_id != other] == [mover, first]


def test_a_move_costs_other_tenants_nothing(plane: ControlPlane) -> None:
    """Fails when a move to the front takes a place before everybody's: tried."""
    theirs = plane.jobs.of("bert").create(make_spec(), model_revision="1", max_queued=9).job.id
    mine = [plane.jobs.of("anna").create(make_spec(), model_revision="1", max_queued=9).job.id for _ in range(2)]
    before = plane.jobs.get(theirs)
    plane.jobs.of("anna").move(mine[1])
    assert plane.jobs.get(theirs) == before
    assert code_of(lambda: plane.jobs.of("anna").move(mine[0], before=theirs)) == "not_found"
    assert code_of(lambda: plane.jobs.move(mine[0], before=theirs)) == "not_found"


def test_a_stop_is_carried_by_the_heartbeat(plane: ControlPlane, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TextToVideo, "chunked", True)
    job_id = queue_job(plane).id
    assert code_of(lambda: plane.jobs.stop(job_id)) == "job_not_running"
    claim = plane.jobs.claim("w", 60)
    assert claim is not None
    assert plane.jobs.heartbeat(claim, 60).stop is False
    assert plane.jobs.stop(job_id).stop_requested
    assert plane.jobs.heartbeat(claim, 60).stop
    assert plane.jobs.wishes(claim).stop
    plane.jobs.succeed(claim, [])
    assert code_of(lambda: plane.jobs.stop(job_id)) == "job_not_running"


def test_a_clip_made_in_one_piece_cannot_be_stopped_halfway(plane: ControlPlane) -> None:
    job_id = queue_job(plane).id
    plane.jobs.claim("w", 60)
    with pytest.raises(VidgenError, match="text-to-video job is made in one piece") as caught:
        plane.jobs.stop(job_id)
    assert caught.value.code == "not_chunked"
    assert not plane.jobs.get(job_id).stop_requested  # type: ignore[union-attr]
