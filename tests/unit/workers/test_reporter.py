import pytest
from sqlalchemy.exc import TimeoutError as PoolTimeout

from tests.jobs_fixtures import queue_job
from vidgen.jobs.fence import LeaseLost
from vidgen.jobs.service import ControlPlane
from vidgen.jobs.views import Claim
from vidgen.spec import Progress, Stage
from vidgen_workers import reporter as module
from vidgen_workers.reporter import Reporter


@pytest.fixture
def claim(plane: ControlPlane) -> Claim:
    queue_job(plane)
    claim = plane.jobs.claim("w", 60)
    assert claim is not None
    return claim


def progress_events(plane: ControlPlane) -> list[float]:
    return [event.data["progress"] for event in plane.jobs.events(0) if event.kind == "job.progress"]


def test_writes_are_few_and_the_last_word_is_among_them(plane: ControlPlane, claim: Claim) -> None:
    reporter = Reporter(plane.jobs, plane.store, claim)
    for step in range(100):
        reporter.take(Progress(Stage.DENOISING, step / 100, step, 100))
        reporter.flush()
    reporter.flush(now=True)
    reporter.flush(now=True)
    assert progress_events(plane) == [0.0, 0.99]


def test_a_preview_is_not_lost_between_writes(plane: ControlPlane, claim: Claim) -> None:
    reporter = Reporter(plane.jobs, plane.store, claim)
    reporter.take(Progress(Stage.DENOISING, 0.1, preview=b"first"))
    reporter.take(Progress(Stage.DENOISING, 0.2))
    reporter.flush()
    assert plane.store.preview_path(claim.job_id, 1).read_bytes() == b"first"
    job = plane.jobs.get(claim.job_id)
    assert job is not None
    assert (job.progress, job.preview_version) == (0.2, 1)


def test_a_worker_that_lost_the_job_leaves_its_successors_picture(plane: ControlPlane, claim: Claim) -> None:
    zombie = Reporter(plane.jobs, plane.store, claim)
    plane.jobs.release(claim)
    second = plane.jobs.claim("w2", 60)
    assert second is not None
    successor = Reporter(plane.jobs, plane.store, second)
    successor.take(Progress(Stage.DENOISING, 0.1, preview=b"mine"))
    successor.flush()
    zombie.take(Progress(Stage.DENOISING, 0.9, preview=b"old"))
    with pytest.raises(LeaseLost):
        zombie.flush()
    assert plane.store.read_preview(claim.job_id, second.attempt) == b"mine"


def test_the_time_left_follows_the_pace(plane: ControlPlane, claim: Claim, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([100.0, 100.0, 110.0, 110.0])
    monkeypatch.setattr(module.time, "monotonic", lambda: next(clock))
    reporter = Reporter(plane.jobs, plane.store, claim)
    for fraction, expected in ((0.1, None), (0.3, 35.0)):
        reporter.take(Progress(Stage.DENOISING, fraction))
        reporter.flush(now=True)
        job = plane.jobs.get(claim.job_id)
        assert job is not None
        assert job.eta_seconds == (None if expected is None else pytest.approx(expected))


def test_a_full_disk_costs_the_preview_and_not_the_job(
    plane: ControlPlane, claim: Claim, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(plane.store, "replace_preview", full)
    reporter = Reporter(plane.jobs, plane.store, claim)
    reporter.take(Progress(Stage.DENOISING, 0.1, preview=b"x"))
    reporter.flush()
    assert progress_events(plane) == []


def test_a_pool_without_a_free_connection_costs_the_report_and_not_the_job(
    plane: ControlPlane, claim: Claim, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*_: object) -> None:
        raise PoolTimeout("QueuePool limit reached")

    monkeypatch.setattr(plane.jobs, "report", busy)
    reporter = Reporter(plane.jobs, plane.store, claim)
    reporter.take(Progress(Stage.DENOISING, 0.1))
    reporter.flush()
    assert progress_events(plane) == []
