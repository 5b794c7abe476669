import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import select

from tests.jobs_fixtures import queue_job
from vidgen.jobs import leases, retries
from vidgen.jobs.database.session import reading, writing
from vidgen.jobs.database.tables import JobEventRow, JobRow
from vidgen.jobs.fence import LeaseLost
from vidgen.jobs.repository import JobRepository
from vidgen.jobs.retries import may_retry, retry_delay
from vidgen.jobs.service import ControlPlane
from vidgen.jobs.views import Claim
from vidgen.spec import JobStatus, Progress, Stage


def take(plane: ControlPlane, owner: str = "w", lease: float = 60) -> Claim:
    claim = plane.jobs.claim(owner, lease)
    assert claim is not None
    return claim


def status_of(plane: ControlPlane, job_id: str) -> JobStatus:
    job = plane.jobs.get(job_id)
    assert job is not None
    return job.status


def test_a_claim_carries_the_fence(plane: ControlPlane) -> None:
    job = queue_job(plane)
    claim = take(plane, "alice")
    assert (claim.job_id, claim.attempt, claim.owner, claim.max_attempts) == (job.id, 1, "alice", 3)
    assert claim.spec == job.spec
    running = plane.jobs.get(job.id)
    assert running is not None
    assert (running.status, running.attempts, running.queue_position) == (JobStatus.RUNNING, 1, None)
    assert running.started_at is not None


@pytest.mark.parametrize(
    "changes", [{"prompt": "x" * 9999}, {"task": "text-to-smell"}, {"unheard": 1}, {"image": {"upload_id": "upl_1"}}]
)
def test_a_spec_of_another_version_fails_and_stops_nobody(plane: ControlPlane, changes: dict[str, object]) -> None:
    bad, good = queue_job(plane, callback_url="https://a.example/"), queue_job(plane)
    with writing(plane.engine) as session:
        row = session.get_one(JobRow, bad.id)
        row.spec = row.spec | changes
    assert take(plane).job_id == good.id
    failed = plane.jobs.get(bad.id)
    assert failed is not None
    assert failed.error is not None
    assert (failed.status, failed.error.code, failed.error.retryable) == (JobStatus.FAILED, "invalid_spec", False)
    assert (failed.attempts, failed.spec.seed) == (0, 1)  # what can be read of the spec is still shown
    assert [event.kind for event in plane.jobs.events(0, bad.id)] == ["job.queued", "job.failed"]
    assert [delivery.kind for delivery in plane.deliveries.list().items] == ["job.failed"]
    assert len(plane.jobs.list().items) == 2
    plane.jobs.delete(bad.id)


def test_two_threads_never_claim_the_same_job(plane: ControlPlane) -> None:
    made = {queue_job(plane).id for _ in range(24)}

    def work(owner: str) -> list[str]:
        taken = []
        while (claim := plane.jobs.claim(owner, 60)) is not None:
            taken.append(claim.job_id)
        return taken

    with ThreadPoolExecutor(4) as pool:
        taken = Counter(job_id for ids in pool.map(work, "abcd") for job_id in ids)
    assert taken == dict.fromkeys(made, 1)


def test_a_heartbeat_obeys_the_databases_clock(plane: ControlPlane, monkeypatch: pytest.MonkeyPatch) -> None:
    queue_job(plane)
    claim = take(plane, lease=1)
    # a worker whose own clock is an hour off
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + 3600)
    plane.jobs.heartbeat(claim, 50)
    monkeypatch.undo()
    with reading(plane.engine) as session:
        row = session.get_one(JobRow, claim.job_id)
        assert row.lease_until is not None
        assert 1 < row.lease_until - time.time() < 51
    assert plane.jobs.expire_leases() == 0


WRITES: dict[str, Callable[[JobRepository, Claim], object]] = {
    "heartbeat": lambda jobs, claim: jobs.heartbeat(claim, 60),
    "look": lambda jobs, claim: jobs.wishes(claim),
    "report": lambda jobs, claim: jobs.report(claim, Progress(Stage.DENOISING, 0.5)),
    "succeed": lambda jobs, claim: jobs.succeed(claim, []),
    "fail": lambda jobs, claim: jobs.fail(claim, "x", "y", False),
    "cancelled": lambda jobs, claim: jobs.mark_cancelled(claim),
    "release": lambda jobs, claim: jobs.release(claim),
}
ZOMBIES: dict[str, Callable[[Claim], Claim]] = {
    "attempt": lambda claim: replace(claim, attempt=claim.attempt - 1),
    "owner": lambda claim: replace(claim, owner="somebody else"),
    "job": lambda claim: replace(claim, job_id="job_unknown"),
}


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("zombie", ZOMBIES)
def test_a_zombies_write_changes_nothing(plane: ControlPlane, write: str, zombie: str) -> None:
    queue_job(plane)
    take(plane, lease=-1)
    plane.jobs.expire_leases()
    claim = take(plane)
    before, last = plane.jobs.get(claim.job_id), plane.jobs.last_event_id()
    with pytest.raises(LeaseLost):
        WRITES[write](plane.jobs, ZOMBIES[zombie](claim))
    assert plane.jobs.get(claim.job_id) == before
    assert plane.jobs.last_event_id() == last


@pytest.mark.parametrize("write", WRITES)
def test_no_write_after_the_end(plane: ControlPlane, write: str) -> None:
    queue_job(plane)
    claim = take(plane)
    plane.jobs.succeed(claim, [])
    with pytest.raises(LeaseLost):
        WRITES[write](plane.jobs, claim)
    assert status_of(plane, claim.job_id) is JobStatus.SUCCEEDED


def test_an_expired_lease_goes_back_to_the_front(plane: ControlPlane) -> None:
    first = queue_job(plane)
    queue_job(plane)
    take(plane, lease=-1)
    assert plane.jobs.expire_leases() == 1
    job = plane.jobs.get(first.id)
    assert job is not None
    assert (job.status, job.queue_position, job.progress) == (JobStatus.QUEUED, 1, 0.0)
    assert take(plane).attempt == 2


def test_looking_for_lost_leases_writes_nothing(plane: ControlPlane, monkeypatch: pytest.MonkeyPatch) -> None:
    def write(_: object) -> None:
        raise AssertionError("a write transaction was begun")

    queue_job(plane)
    take(plane)
    monkeypatch.setattr(leases, "writing", write)
    assert plane.jobs.expire_leases() == 0


def test_a_live_lease_is_left_alone(plane: ControlPlane) -> None:
    queue_job(plane)
    claim = take(plane)
    assert plane.jobs.expire_leases() == 0
    assert plane.jobs.succeed(claim, []) is JobStatus.SUCCEEDED


def test_lost_too_often_is_failed_worker_lost(plane: ControlPlane) -> None:
    job = queue_job(plane)
    for attempt in (1, 2, 3):
        assert take(plane, lease=-1).attempt == attempt
        plane.jobs.expire_leases()
    ended = plane.jobs.get(job.id)
    assert ended is not None
    assert ended.status is JobStatus.FAILED
    assert ended.error is not None
    assert ended.error.code == "worker_lost"
    assert [event.kind for event in plane.jobs.events(0)].count("job.failed") == 1


def test_a_lost_job_whose_cancel_was_asked_for_is_cancelled(plane: ControlPlane) -> None:
    queue_job(plane)
    claim = take(plane)
    plane.jobs.cancel(claim.job_id)
    with writing(plane.engine) as session:
        session.get_one(JobRow, claim.job_id).lease_until = 1.0
    plane.jobs.expire_leases()
    assert status_of(plane, claim.job_id) is JobStatus.CANCELLED


def test_releases_cost_no_attempts(plane: ControlPlane) -> None:
    queue_job(plane)
    for attempt in range(1, 6):
        claim = take(plane)
        assert claim.attempt == attempt
        assert plane.jobs.release(claim) is JobStatus.QUEUED
    assert plane.jobs.fail(take(plane), "worker_lost", "died", retryable=True) is JobStatus.QUEUED


def test_a_transient_failure_waits_before_its_next_attempt(
    plane: ControlPlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retries, "FIRST_DELAY_SECONDS", retries.LONGEST_DELAY_SECONDS)
    queue_job(plane)
    assert plane.jobs.fail(take(plane), "storage_failed", "disk full", retryable=True) is JobStatus.QUEUED
    assert plane.jobs.claim("w", 60) is None
    with reading(plane.engine) as session:
        row = session.scalars(select(JobRow)).one()
        assert 10 < row.run_after - time.time() <= retries.LONGEST_DELAY_SECONDS


def test_a_final_failure_keeps_its_reason(plane: ControlPlane) -> None:
    job = queue_job(plane)
    assert plane.jobs.fail(take(plane), "invalid_media", "no clip", retryable=False) is JobStatus.FAILED
    failed = plane.jobs.get(job.id)
    assert failed is not None
    assert failed.error is not None
    assert (failed.error.code, failed.error.message, failed.error.retryable) == ("invalid_media", "no clip", False)


@pytest.mark.parametrize(
    ("code", "retryable", "used", "again"),
    [
        ("worker_lost", True, 1, True),
        ("worker_lost", True, 2, True),
        ("worker_lost", True, 3, False),
        ("out_of_memory", True, 1, True),
        ("out_of_memory", True, 3, False),
        ("invalid_media", False, 1, False),
    ],
)
def test_which_failures_are_tried_again(code: str, retryable: bool, used: int, again: bool) -> None:
    assert may_retry(code, retryable=retryable, used=used, max_attempts=3) is again


def test_delays_grow_and_are_bounded() -> None:
    assert 1 <= retry_delay(1) <= 2
    assert 4 <= retry_delay(3) <= 8
    assert 30 <= retry_delay(30) <= 60
    assert len({retry_delay(3) for _ in range(5)}) > 1


def test_progress_never_falls_and_previews_count_up(plane: ControlPlane) -> None:
    queue_job(plane)
    claim = take(plane)
    plane.jobs.report(claim, Progress(Stage.DENOISING, 0.6, 3, 4, preview=b"jpeg"), eta_seconds=12.0)
    plane.jobs.report(claim, Progress(Stage.DECODING, 0.4))
    job = plane.jobs.get(claim.job_id)
    assert job is not None
    assert (job.stage, job.progress, job.preview_version, job.eta_seconds) == (Stage.DECODING, 0.6, 1, None)


def test_old_progress_is_forgotten_but_not_the_history(plane: ControlPlane) -> None:
    queue_job(plane)
    plane.jobs.report(take(plane), Progress(Stage.DENOISING, 0.5))
    plane.jobs.prune_progress(older_than_seconds=-1)
    with reading(plane.engine) as session:
        assert list(session.scalars(select(JobEventRow.kind))) == ["job.queued", "job.running"]
