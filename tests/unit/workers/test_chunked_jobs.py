"""Long clips through a real runner process: resumed at the chunk, ended early; and a second try with less memory."""

import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.worker_process import runner_environment, wait_until
from tests.jobs_fixtures import make_spec, queue_job
from vidgen.jobs.database.session import writing
from vidgen.jobs.database.tables import JobRow
from vidgen.jobs.service import ControlPlane
from vidgen.jobs.views import Capacity, Job
from vidgen.spec import JobStatus, TextToVideo
from vidgen_workers import supervisor as module
from vidgen_workers.runner_process import RunnerProcess
from vidgen_workers.supervisor import Supervisor

NEED = {"cpu": {"full": 900, "low": 500}}


@pytest.fixture(scope="module")
def runner() -> Iterator[RunnerProcess]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", runner_environment())
        process = RunnerProcess("tests.unit.workers.chunked_render:render")
        yield process
        process.stop()


@pytest.fixture(autouse=True)
def chunked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TextToVideo, "chunked", True)


@pytest.fixture
def supervisor(plane: ControlPlane, runner: RunnerProcess) -> Supervisor:
    return Supervisor(plane, runner, "w", Capacity("cpu", 1000))


def get(plane: ControlPlane, job_id: str) -> Job:
    job = plane.jobs.get(job_id)
    assert job is not None
    return job


def make_due(plane: ControlPlane) -> None:
    with writing(plane.engine) as session:
        for row in session.query(JobRow):
            row.run_after = 0.0


def clip(plane: ControlPlane, job: Job) -> bytes:
    key = plane.jobs.artifact_key(job.artifacts[0].id)
    assert key is not None
    return plane.store.path(key).read_bytes()


def test_a_resumed_clip_is_identical_and_no_chunk_is_made_twice(
    plane: ControlPlane, supervisor: Supervisor, tmp_path: Path
) -> None:
    """Fails when the runner gets a folder of its attempt instead of its job's: tried, chunks 0 and 1 came twice."""
    whole = queue_job(plane, f"chunks 4 {tmp_path / 'whole'}")
    assert supervisor.run_next()
    cut = queue_job(plane, f"chunks 4 {tmp_path / 'cut'} die-at 2 {tmp_path / 'died'}")
    assert supervisor.run_next()
    assert get(plane, cut.id).status is JobStatus.QUEUED
    assert [(it.n, it.seed) for it in plane.jobs.chunks(cut.id)] == [(0, 0), (1, 1)]
    make_due(plane)
    assert supervisor.run_next()
    assert clip(plane, get(plane, cut.id)) == clip(plane, get(plane, whole.id))
    # chunk 2 was begun when the process was killed
    assert Counter((tmp_path / "cut").read_text().split()) == {"0": 1, "1": 1, "2": 2, "3": 1}
    assert get(plane, cut.id).attempts == 2


def test_a_job_made_from_another_takes_over_what_fits(
    plane: ControlPlane, supervisor: Supervisor, tmp_path: Path
) -> None:
    """Three of its four chunks are those of the job that it is made from, and only the fourth is made.

    Fails when the runner is not told of the other job's folder: tried, all four were made.
    """
    log = tmp_path / "log"
    first = queue_job(plane, f"chunks 3 {log}")
    assert supervisor.run_next()
    second = queue_job(plane, f"chunks 4 {log}", source_job_id=first.id)
    assert supervisor.run_next()
    assert log.read_text().split() == ["0", "1", "2", "3"]
    assert clip(plane, get(plane, second.id)).startswith(clip(plane, get(plane, first.id)))
    kept = {chunk.n: chunk.sha256 for chunk in plane.jobs.chunks(first.id)}
    assert kept.items() <= {chunk.n: chunk.sha256 for chunk in plane.jobs.chunks(second.id)}.items()
    plane.jobs.delete(first.id)
    assert not plane.store.chunk_folder(first.id).exists()
    assert sorted(plane.store.chunk_folder(second.id).glob("0000[0-3]-*.safetensors"))


def test_a_stop_keeps_what_there_is(plane: ControlPlane, supervisor: Supervisor, tmp_path: Path) -> None:
    """Fails when the supervisor does not pass the wish on: tried, all chunks were made."""
    job_id = queue_job(plane, f"chunks 200 {tmp_path / 'log'} pause 0.1").id
    worker = threading.Thread(target=supervisor.run_next)
    worker.start()
    wait_until(lambda: len(plane.jobs.chunks(job_id)) >= 2, seconds=60)
    assert plane.jobs.stop(job_id).stop_requested
    worker.join(60)
    assert not worker.is_alive()
    job = get(plane, job_id)
    assert job.status is JobStatus.SUCCEEDED
    made = len((tmp_path / "log").read_text().split())
    assert 2 <= made < 200
    assert job.artifacts[0].num_frames == 5 * made
    assert len(plane.jobs.chunks(job_id)) == made


def test_the_next_job_is_not_ended_by_the_wish_of_the_one_before(
    plane: ControlPlane, supervisor: Supervisor, tmp_path: Path
) -> None:
    queue_job(plane, f"chunks 3 {tmp_path / 'log'}")
    assert supervisor.run_next()
    assert len((tmp_path / "log").read_text().split()) == 3


def test_out_of_memory_is_tried_again_with_less_and_then_succeeds(plane: ControlPlane, supervisor: Supervisor) -> None:
    """Fails when the second attempt does not carry the lower tier: tried."""
    job_id = queue_job(plane, "roomy").id
    assert supervisor.run_next()
    assert get(plane, job_id).status is JobStatus.QUEUED
    make_due(plane)
    assert supervisor.run_next()
    assert (get(plane, job_id).status, get(plane, job_id).attempts) == (JobStatus.SUCCEEDED, 2)


def test_a_job_that_fits_at_the_lower_tier_only_begins_there(plane: ControlPlane, runner: RunnerProcess) -> None:
    job_id = queue_job(plane, "roomy", memory_need=NEED).id
    assert Supervisor(plane, runner, "w", Capacity("cpu", 600)).run_next()
    assert (get(plane, job_id).status, get(plane, job_id).attempts) == (JobStatus.SUCCEEDED, 1)


def test_a_runner_that_the_kernel_killed_for_memory_ran_out_of_memory(
    plane: ControlPlane, supervisor: Supervisor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its neighbours in the queue are not touched by it."""
    counts = iter([3, 4, 4, 5])
    monkeypatch.setattr(module, "oom_kills", lambda: next(counts))
    job_id = plane.jobs.create(
        make_spec(f"chunks 3 {tmp_path / 'log'} die-at 0 {tmp_path / 'a'}"), model_revision="1", max_queued=9
    ).job.id
    assert supervisor.run_next()
    assert get(plane, job_id).status is JobStatus.QUEUED
    (tmp_path / "a").unlink()
    make_due(plane)
    assert supervisor.run_next()
    job = get(plane, job_id)
    assert job.error is not None
    assert (job.status, job.error.code, job.attempts) == (JobStatus.FAILED, "out_of_memory", 2)
    assert "1000 MB" in job.error.message
