from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from tests.jobs_fixtures import make_spec, queue_job
from vidgen.errors import VidgenError
from vidgen.jobs.database.session import writing
from vidgen.jobs.database.tables import JobRow
from vidgen.jobs.service import ControlPlane
from vidgen.jobs.views import FinishedFile, Job
from vidgen.spec import JobStatus


def finished_file(plane: ControlPlane, job_id: str, attempt: int = 1) -> FinishedFile:
    source = plane.settings.data_dir / "made.mp4"
    source.write_bytes(b"clip")
    stored = plane.store.publish(source, plane.store.artifact_path(job_id, attempt, "video.mp4"))
    return FinishedFile("video", stored.key, "video.mp4", "video/mp4", stored.size, stored.sha256, 64, 64, 5, 8.0)


def codes(*calls: Callable[[], object]) -> list[str]:
    found = []
    for call in calls:
        with pytest.raises(VidgenError) as caught:
            call()
        found.append(caught.value.code)
    return found


def test_a_new_job_is_queued_with_its_whole_spec(plane: ControlPlane) -> None:
    created = plane.jobs.create(make_spec(seed=7), model_revision="r9", max_queued=1, callback_url="https://a.example/")
    assert not created.replayed
    assert created.job == plane.jobs.get(created.job.id)
    assert created.job.status is JobStatus.QUEUED
    assert created.job.spec == make_spec(seed=7)
    assert (created.job.model_revision, created.job.queue_position, created.job.attempts) == ("r9", 1, 0)
    assert created.job.created_at.utcoffset() is not None
    assert (created.job.expires_at - created.job.created_at).days == 30


def test_a_full_queue_refuses_and_says_that_later_may_work(plane: ControlPlane) -> None:
    queue_job(plane)
    with pytest.raises(VidgenError) as caught:
        plane.jobs.create(make_spec(), model_revision="1", max_queued=1)
    assert (caught.value.code, caught.value.retryable) == ("queue_full", True)


def test_the_bound_is_exact_under_threads(plane: ControlPlane) -> None:
    def one(_: int) -> str:
        try:
            plane.jobs.create(make_spec(), model_revision="1", max_queued=5)
        except VidgenError as error:
            return error.code
        return "created"

    with ThreadPoolExecutor(8) as pool:
        assert Counter(pool.map(one, range(20))) == {"created": 5, "queue_full": 15}


def test_the_same_key_makes_one_job_under_threads(plane: ControlPlane) -> None:
    def one(_: int) -> tuple[str, bool]:
        created = plane.jobs.create(make_spec(), model_revision="1", max_queued=50, idempotency_key="k", body_hash="b")
        return created.job.id, created.replayed

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(one, range(24)))
    assert len({job_id for job_id, _ in answers}) == 1
    assert sum(replayed for _, replayed in answers) == 23


def test_a_key_with_another_body_is_refused_even_when_full(plane: ControlPlane) -> None:
    arguments = {"model_revision": "1", "idempotency_key": "k"}
    plane.jobs.create(make_spec(), max_queued=1, body_hash="b", **arguments)
    assert plane.jobs.create(make_spec(), max_queued=1, body_hash="b", **arguments).replayed
    with pytest.raises(VidgenError) as caught:
        plane.jobs.create(make_spec(), max_queued=1, body_hash="c", **arguments)
    assert caught.value.code == "idempotency_mismatch"


def test_pages_hold_every_job_once_newest_first(plane: ControlPlane) -> None:
    made = [queue_job(plane).id for _ in range(5)]
    seen, cursor = [], None
    while True:
        page = plane.jobs.list(limit=2, cursor=cursor)
        seen += [job.id for job in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert seen == made[::-1]
    assert plane.jobs.list(status=JobStatus.RUNNING).items == ()


def test_a_list_runs_both_ways_and_goes_on_after_a_named_job(plane: ControlPlane) -> None:
    made = [queue_job(plane).id for _ in range(5)]
    oldest_first = plane.jobs.list(limit=2, cursor=plane.jobs.cursor_after(made[1]), oldest_first=True)
    assert [job.id for job in oldest_first.items] == made[2:4]
    rest = plane.jobs.list(limit=2, cursor=oldest_first.next_cursor, oldest_first=True)
    assert ([job.id for job in rest.items], rest.next_cursor) == (made[4:], None)
    newest_first = plane.jobs.list(cursor=plane.jobs.cursor_after(made[3]))
    assert [job.id for job in newest_first.items] == made[2::-1]
    with pytest.raises(VidgenError) as caught:
        plane.jobs.cursor_after("job_unknown")
    assert caught.value.code == "invalid_cursor"


@pytest.mark.parametrize("cursor", ["x", "ü", "AAAA", "//", "MQ"])
def test_a_forged_cursor_is_refused(plane: ControlPlane, cursor: str) -> None:
    with pytest.raises(VidgenError) as caught:
        plane.jobs.list(cursor=cursor)
    assert caught.value.code == "invalid_cursor"


def test_a_place_in_the_queue_is_the_same_alone_and_in_a_list(plane: ControlPlane) -> None:
    made = [queue_job(plane, priority=priority).id for priority in (5, 9, 5, 0, 9)]
    listed = {job.id: job.queue_position for job in plane.jobs.list().items}
    assert [listed[job_id] for job_id in made] == [3, 1, 4, 5, 2]
    assert {job_id: plane.jobs.get(job_id).queue_position for job_id in made} == listed  # type: ignore[union-attr]


def test_priority_comes_before_age_in_the_queue(plane: ControlPlane) -> None:
    first, urgent = queue_job(plane), queue_job(plane, priority=6)
    places = {job.id: job.queue_position for job in plane.jobs.list().items}
    assert places == {urgent.id: 1, first.id: 2}
    claim = plane.jobs.claim("w", 60)
    assert claim is not None
    assert claim.job_id == urgent.id


def test_cancel_of_a_queued_job_is_immediate(plane: ControlPlane) -> None:
    job = plane.jobs.cancel(queue_job(plane).id)
    assert job.status is JobStatus.CANCELLED
    assert job.finished_at is not None
    assert plane.jobs.claim("w", 60) is None


def test_cancel_of_a_running_job_is_asked_of_its_worker(plane: ControlPlane) -> None:
    queue_job(plane)
    claim = plane.jobs.claim("w", 60)
    assert claim is not None
    assert not plane.jobs.heartbeat(claim, 60).cancel
    job = plane.jobs.cancel(claim.job_id)
    assert (job.status, job.cancel_requested) == (JobStatus.RUNNING, True)
    assert plane.jobs.heartbeat(claim, 60).cancel
    assert plane.jobs.wishes(claim).cancel


def test_cancel_of_a_job_whose_worker_died_is_immediate(plane: ControlPlane) -> None:
    queue_job(plane)
    claim = plane.jobs.claim("w", -1)
    assert claim is not None
    assert plane.jobs.cancel(claim.job_id).status is JobStatus.CANCELLED


def test_never_succeeded_after_an_accepted_cancel(plane: ControlPlane) -> None:
    queue_job(plane)
    claim = plane.jobs.claim("w", 60)
    assert claim is not None
    plane.jobs.cancel(claim.job_id)
    assert plane.jobs.succeed(claim, [finished_file(plane, claim.job_id)]) is JobStatus.CANCELLED
    job = plane.jobs.get(claim.job_id)
    assert job is not None
    assert (job.status, job.artifacts) == (JobStatus.CANCELLED, ())


def test_cancel_of_a_finished_job_changes_nothing(plane: ControlPlane) -> None:
    queue_job(plane)
    claim = plane.jobs.claim("w", 60)
    assert claim is not None
    plane.jobs.succeed(claim, [])
    before = plane.jobs.get(claim.job_id)
    assert plane.jobs.cancel(claim.job_id) == before


def test_retry_starts_anew_with_every_attempt_again(plane: ControlPlane) -> None:
    queue_job(plane)
    claim = plane.jobs.claim("w", 60)
    assert claim is not None
    plane.jobs.fail(claim, "invalid_media", "no clip", retryable=False)
    job = plane.jobs.retry(claim.job_id)
    assert (job.status, job.error, job.finished_at) == (JobStatus.QUEUED, None, None)
    second = plane.jobs.claim("w", 60)
    assert second is not None
    assert second.attempt == 2
    for _ in range(2):
        assert plane.jobs.fail(second, "worker_lost", "died", retryable=True) is JobStatus.QUEUED
        make_due(plane)
        following = plane.jobs.claim("w", 60)
        assert following is not None
        second = following
    assert plane.jobs.fail(second, "worker_lost", "died", retryable=True) is JobStatus.FAILED


def make_due(plane: ControlPlane) -> None:
    with writing(plane.engine) as session:
        for row in session.scalars(select(JobRow)):
            row.run_after = 0.0


def test_a_cancelled_job_may_be_retried_and_cancelled_again(plane: ControlPlane) -> None:
    job = queue_job(plane, callback_url="https://a.example/")
    for _ in range(3):
        assert plane.jobs.cancel(job.id).status is JobStatus.CANCELLED
        assert plane.jobs.retry(job.id).status is JobStatus.QUEUED
    kinds = [event.kind for event in plane.jobs.events(0, job.id)]
    assert kinds == ["job.queued"] + ["job.cancelled", "job.queued"] * 3
    assert len(plane.deliveries.list().items) == 3


def test_delete_removes_the_files_of_a_finished_job(plane: ControlPlane) -> None:
    queue_job(plane, idempotency_key="k")
    claim = plane.jobs.claim("w", 60)
    assert claim is not None
    file = finished_file(plane, claim.job_id)
    plane.jobs.succeed(claim, [file])
    plane.store.replace_preview(claim.job_id, claim.attempt, b"jpeg")
    job = plane.jobs.get(claim.job_id)
    assert job is not None
    assert plane.jobs.artifact(job.artifacts[0].id) == job.artifacts[0]
    assert plane.store.path(file.key).read_bytes() == b"clip"
    plane.jobs.delete(claim.job_id)
    assert plane.jobs.get(claim.job_id) is None
    assert plane.jobs.artifact(job.artifacts[0].id) is None
    assert plane.jobs.events(0) == []
    assert not [path for path in plane.store.root.rglob("*") if path.is_file()]
    assert not plane.jobs.create(make_spec(), model_revision="1", max_queued=9, idempotency_key="k").replayed


def test_unknown_ids_and_wrong_states_have_codes(plane: ControlPlane) -> None:
    job = queue_job(plane)
    jobs = plane.jobs
    found = codes(
        lambda: jobs.cancel("job_x"),
        lambda: jobs.retry("job_x"),
        lambda: jobs.delete("job_x"),
        lambda: jobs.retry(job.id),
        lambda: jobs.delete(job.id),
    )
    assert found == ["not_found", "not_found", "not_found", "job_not_retryable", "job_not_finished"]
    assert jobs.get("job_x") is None


def test_events_are_numbered_and_hold_the_job(plane: ControlPlane) -> None:
    job = queue_job(plane)
    queue_job(plane)
    first = plane.jobs.last_event_id()
    claim = plane.jobs.claim("w", 60)
    assert claim is not None
    plane.jobs.succeed(claim, [])
    events = plane.jobs.events(first, job_id=job.id)
    assert [event.kind for event in events] == ["job.running", "job.succeeded"]
    assert [event.id for event in events] == [first + 1, first + 2]
    assert Job.model_validate(events[-1].data) == plane.jobs.get(job.id)
    assert plane.jobs.events(plane.jobs.last_event_id()) == []


def test_counts_name_every_state(plane: ControlPlane) -> None:
    queue_job(plane)
    assert plane.jobs.counts() == dict.fromkeys(JobStatus, 0) | {JobStatus.QUEUED: 1}
