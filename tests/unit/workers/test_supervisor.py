"""The supervisor with a real runner process and fake renders."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from tests.faults.worker_process import RENDER, runner_environment, wait_until
from tests.jobs_fixtures import control_plane, make_spec, queue_job
from tests.unit.jobs.stored_media import add_upload
from vidgen.jobs.database.session import reading, writing
from vidgen.jobs.database.tables import JobRow
from vidgen.jobs.service import ControlPlane
from vidgen.jobs.views import Job
from vidgen.spec import ImageToVideo, JobStatus, MediaRef
from vidgen_workers import supervisor as module
from vidgen_workers.protocol import Exited, Failed, Finished, Message, Run
from vidgen_workers.runner_process import KILL_SECONDS, RunnerProcess
from vidgen_workers.supervisor import Supervisor


@pytest.fixture(scope="module")
def runner() -> Iterator[RunnerProcess]:
    """One process for the whole module, as in life; tests that kill it get a new one by themselves."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", runner_environment())
        process = RunnerProcess(RENDER)
        yield process
        process.stop()


@pytest.fixture
def supervisor(plane: ControlPlane, runner: RunnerProcess) -> Supervisor:
    return Supervisor(plane, runner, "w")


def run(plane: ControlPlane, supervisor: Supervisor, prompt: str) -> Job:
    job_id = queue_job(plane, prompt).id
    assert supervisor.run_next()
    return get(plane, job_id)


def get(plane: ControlPlane, job_id: str) -> Job:
    job = plane.jobs.get(job_id)
    assert job is not None
    return job


def error_code(job: Job) -> str | None:
    return None if job.error is None else job.error.code


def test_nothing_to_do(supervisor: Supervisor) -> None:
    assert not supervisor.run_next()
    assert not supervisor.busy


def test_a_job_is_run_published_and_its_scratch_removed(plane: ControlPlane, supervisor: Supervisor) -> None:
    job = run(plane, supervisor, "quick")
    assert (job.status, job.progress, job.preview_version) == (JobStatus.SUCCEEDED, 1.0, 1)
    assert plane.store.preview_path(job.id, 1).read_bytes() == b"\xff\xd8jpeg"
    video = job.artifacts[0]
    assert (video.kind, video.num_frames, video.fps) == ("video", 5, 8.0)
    key = plane.jobs.artifact_key(video.id)
    assert key == f"artifacts/{job.id}/1/video.mp4"
    assert plane.store.path(key).read_bytes() == b"clip of quick 1"
    assert not plane.store.scratch_path(job.id, 1).exists()


def test_the_runner_lives_from_job_to_job(plane: ControlPlane, supervisor: Supervisor, runner: RunnerProcess) -> None:
    run(plane, supervisor, "quick")
    first = runner.pid
    run(plane, supervisor, "broken")
    run(plane, supervisor, "quick")
    assert runner.pid == first


def test_an_expected_failure_is_told_as_it_is(plane: ControlPlane, supervisor: Supervisor) -> None:
    job = run(plane, supervisor, "broken")
    assert job.status is JobStatus.FAILED
    assert job.error is not None
    assert (job.error.code, job.error.message) == ("invalid_media", "the clip cannot be read")


@pytest.mark.parametrize("habit", ["buggy"])
def test_an_unexpected_failure_tells_nothing_of_this_machine(
    plane: ControlPlane, supervisor: Supervisor, habit: str
) -> None:
    job = run(plane, supervisor, habit)
    assert job.error is not None
    assert job.error.code == "internal_error"
    assert "ZeroDivisionError" in job.error.message
    assert "secret" not in job.error.message


def test_out_of_memory_is_tried_once_more(plane: ControlPlane, supervisor: Supervisor) -> None:
    job = run(plane, supervisor, "memory")
    assert job.status is JobStatus.QUEUED
    make_due(plane)
    assert supervisor.run_next()
    job = get(plane, job.id)
    assert (job.status, error_code(job), job.attempts) == (JobStatus.FAILED, "out_of_memory", 2)


def make_due(plane: ControlPlane) -> None:
    with writing(plane.engine) as session:
        for row in session.query(JobRow):
            row.run_after = 0.0


def test_a_runner_that_dies_every_time_ends_the_job(plane: ControlPlane, supervisor: Supervisor) -> None:
    job = run(plane, supervisor, "suicidal")
    for _ in range(2):
        assert job.status is JobStatus.QUEUED
        make_due(plane)
        assert supervisor.run_next()
        job = get(plane, job.id)
    assert (job.status, error_code(job), job.attempts) == (JobStatus.FAILED, "worker_lost", 3)
    assert run(plane, supervisor, "quick").status is JobStatus.SUCCEEDED


def test_a_runner_that_dies_once_costs_one_attempt(plane: ControlPlane, supervisor: Supervisor, tmp_path: Path) -> None:
    job = run(plane, supervisor, f"once {tmp_path / 'died'}")
    assert job.status is JobStatus.QUEUED
    make_due(plane)
    assert supervisor.run_next()
    job = get(plane, job.id)
    assert (job.status, job.attempts) == (JobStatus.SUCCEEDED, 2)
    assert plane.jobs.artifact_key(job.artifacts[0].id) == f"artifacts/{job.id}/2/video.mp4"


def test_a_render_that_hangs_is_ended_and_tried_again(tmp_path: Path, runner: RunnerProcess) -> None:
    """Fails when silence is not counted: tried, it was waited for."""
    with control_plane(tmp_path, silence_seconds=0.5, max_attempts=2) as plane:
        supervisor = Supervisor(plane, runner, "w")
        job = run(plane, supervisor, "hangs")
        assert (job.status, job.attempts) == (JobStatus.QUEUED, 1)
        make_due(plane)
        assert supervisor.run_next()
        job = get(plane, job.id)
        assert (job.status, error_code(job), job.attempts) == (JobStatus.FAILED, "render_hung", 2)
        assert runner.pid is None, "nothing of it holds the device"


def test_a_render_that_speaks_now_and_then_is_left_alone(
    tmp_path: Path, runner: RunnerProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fails when the time counts from the render's beginning: tried."""
    with control_plane(tmp_path, silence_seconds=2.0) as plane:
        supervisor = Supervisor(plane, runner, "w")
        run(plane, supervisor, "quick")
        monkeypatch.setattr(module, "START_SECONDS", 0.0)  # it has started already
        job = run(plane, supervisor, "slow 3")
        assert (job.status, job.attempts) == (JobStatus.SUCCEEDED, 1)


def test_a_render_that_never_says_a_word_is_ended_too(
    tmp_path: Path, runner: RunnerProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fails when the time counts from the first message: tried, it slept on for a minute and was done."""
    monkeypatch.setattr(module, "START_SECONDS", 0.5)
    with control_plane(tmp_path, silence_seconds=0.5, max_attempts=1) as plane:
        assert error_code(run(plane, Supervisor(plane, runner, "w"), "deaf")) == "render_hung"


def test_a_render_that_exits_is_a_dead_runner(plane: ControlPlane, supervisor: Supervisor) -> None:
    assert run(plane, supervisor, "exits").status is JobStatus.QUEUED


def test_a_cancel_is_heard_within_a_step_and_the_runner_lives(tmp_path: Path, runner: RunnerProcess) -> None:
    """Fails when the cancel is not sent to the runner, which is then terminated: tried."""
    with control_plane(tmp_path, cancel_grace_seconds=40.0) as plane:
        supervisor = Supervisor(plane, runner, "w")
        run(plane, supervisor, "quick")
        before, job_id = runner.pid, queue_job(plane, "slow 60").id
        worker = threading.Thread(target=supervisor.drain)
        worker.start()
        wait_until(lambda: get(plane, job_id).progress > 0)
        plane.jobs.cancel(job_id)
        worker.join(60)
        assert not worker.is_alive()
        assert get(plane, job_id).status is JobStatus.CANCELLED
        assert runner.pid == before


def test_a_lost_lease_kills_the_runner_and_publishes_nothing(
    plane: ControlPlane, supervisor: Supervisor, runner: RunnerProcess
) -> None:
    job_id = queue_job(plane, "slow 30").id
    worker = threading.Thread(target=supervisor.drain)
    worker.start()
    wait_until(lambda: get(plane, job_id).progress > 0)
    pid = runner.pid
    with writing(plane.engine) as session:
        row = session.get_one(JobRow, job_id)
        row.attempt, row.owner = 2, "another worker"
    worker.join(10)
    assert not worker.is_alive()
    assert pid is not None
    assert runner.pid is None
    job = get(plane, job_id)
    assert (job.status, job.attempts, job.artifacts) == (JobStatus.RUNNING, 2, ())


def test_a_stop_hands_the_job_back(plane: ControlPlane, supervisor: Supervisor) -> None:
    job_id = queue_job(plane, "slow 30").id
    worker = threading.Thread(target=supervisor.drain)
    worker.start()
    wait_until(lambda: get(plane, job_id).progress > 0)
    supervisor.request_stop()
    worker.join(10)
    assert not worker.is_alive()
    job = get(plane, job_id)
    assert (job.status, job.queue_position) == (JobStatus.QUEUED, 1)


@pytest.mark.parametrize(("prompt", "last", "status"), [
    ("quick", Finished, JobStatus.SUCCEEDED), ("broken", Failed, JobStatus.FAILED), ("exits", Exited, JobStatus.QUEUED),
])  # fmt: skip
def test_what_came_with_the_stop_still_counts(
    plane: ControlPlane, supervisor: Supervisor, runner: RunnerProcess, monkeypatch: pytest.MonkeyPatch,
    prompt: str, last: type[Message], status: JobStatus,
) -> None:  # fmt: skip
    """Fails when the stop is looked at before the message: tried, the finished clip was thrown away."""
    receive = runner.receive

    def stop_comes_with_the_end(seconds: float) -> Message | None:
        message = receive(seconds)
        if isinstance(message, last):
            supervisor.request_stop()
        return message

    monkeypatch.setattr(runner, "receive", stop_comes_with_the_end)
    assert run(plane, supervisor, prompt).status is status
    with reading(plane.engine) as session:
        # a runner that dies while the machine goes down is no failed attempt
        assert [row.excused for row in session.query(JobRow)] == [int(last is Exited)]


def test_missing_media_fail_the_job_and_present_ones_reach_the_runner(
    plane: ControlPlane, supervisor: Supervisor
) -> None:
    for code in (None, "media_missing"):
        upload = add_upload(plane)
        spec = ImageToVideo(image=MediaRef(upload_id=upload), **make_spec("quick").model_dump(exclude={"task"}))
        job = plane.jobs.create(spec, model_revision="1", max_queued=9).job
        if code is not None:
            plane.uploads.delete(upload)
        assert supervisor.run_next()
        assert error_code(get(plane, job.id)) == code


def test_an_artifact_of_an_earlier_job_is_a_source(plane: ControlPlane, supervisor: Supervisor) -> None:
    earlier = run(plane, supervisor, "quick").artifacts[0]
    values = make_spec("quick").model_dump(exclude={"task"})
    spec = ImageToVideo(image=MediaRef(artifact_id=earlier.id, frame=-1), **values)
    job = plane.jobs.create(spec, model_revision="1", max_queued=9).job
    assert supervisor.run_next()
    assert get(plane, job.id).status is JobStatus.SUCCEEDED


def test_a_full_disk_is_a_retryable_failure(
    plane: ControlPlane, supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device", "/secret/path")

    monkeypatch.setattr(type(plane.store), "publish", full)
    job = run(plane, supervisor, "quick")
    assert job.status is JobStatus.QUEUED
    assert job.artifacts == ()


@pytest.mark.parametrize("error", [OperationalError("UPDATE", {}, Exception("away")), PoolTimeout("none is free")])
def test_the_last_write_outlasts_a_database_that_is_briefly_away(
    plane: ControlPlane, supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    real, calls = plane.jobs.succeed, []

    def succeed(*arguments: object) -> JobStatus:
        calls.append(1)
        if len(calls) < 3:
            raise error
        return real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(plane.jobs, "succeed", succeed)
    assert run(plane, supervisor, "quick").status is JobStatus.SUCCEEDED
    assert len(calls) == 3


def test_only_one_thread_works_at_a_time(plane: ControlPlane, supervisor: Supervisor) -> None:
    """Fails when the second waits for the first: tried."""
    job = queue_job(plane, "slow 60")
    worker = threading.Thread(target=supervisor.drain)
    worker.start()
    wait_until(lambda: supervisor.busy)
    supervisor.drain()
    assert supervisor.busy, "nobody waited"
    plane.jobs.cancel(job.id)
    worker.join(60)
    assert not worker.is_alive()


def test_leases_are_renewed_while_a_job_outlives_them(tmp_path: Path, runner: RunnerProcess) -> None:
    with control_plane(tmp_path, lease_seconds=0.8, heartbeat_seconds=0.2, poll_seconds=0.05) as plane:
        job_id = queue_job(plane, "slow 2").id
        worker = threading.Thread(target=Supervisor(plane, runner, "w").drain)
        worker.start()
        while worker.is_alive():
            assert plane.jobs.expire_leases() == 0
            time.sleep(0.1)
        assert get(plane, job_id).status is JobStatus.SUCCEEDED


class SlowToStop(RunnerProcess):
    """Takes every job, never answers, and needs a while to stop; `most` is how many stopped it at the same time."""

    def __init__(self) -> None:
        super().__init__(RENDER)
        self.running, self.stopping = threading.Event(), threading.Event()
        self.now, self.most = 0, 0

    def run(self, _run: Run) -> None:
        self.running.set()

    def receive(self, _seconds: float) -> None:
        time.sleep(0.01)

    def stop(self) -> None:
        self.now += 1
        self.most = max(self.most, self.now)
        self.stopping.set()
        time.sleep(0.3)
        self.now -= 1


def test_closing_waits_for_the_job_to_be_handed_back(plane: ControlPlane) -> None:
    runner = SlowToStop()
    supervisor = Supervisor(plane, runner, "w")
    job_id = queue_job(plane).id
    worker = threading.Thread(target=supervisor.drain)
    worker.start()
    assert runner.running.wait(5)
    supervisor.request_stop()
    assert runner.stopping.wait(5)
    supervisor.close()
    assert get(plane, job_id).status is JobStatus.QUEUED
    assert runner.most == 1
    worker.join(5)


def test_closing_does_not_wait_for_ever(plane: ControlPlane, monkeypatch: pytest.MonkeyPatch) -> None:
    assert module.CLOSE_SECONDS > KILL_SECONDS
    monkeypatch.setattr(module, "CLOSE_SECONDS", 0.05)
    runner = SlowToStop()
    supervisor = Supervisor(plane, runner, "w")
    queue_job(plane)
    worker = threading.Thread(target=supervisor.drain)
    worker.start()
    assert runner.running.wait(5)
    supervisor.close()
    assert runner.most == 1
    supervisor.request_stop()
    worker.join(5)
    assert not worker.is_alive()
