"""Two workers, as on two machines: each sees the shared data folder at a path of its own. Real renders, equal clips."""

import json
from pathlib import Path

import pytest

from tests.faults.backends import REDIS, Backend
from tests.faults.client import Client
from tests.faults.conftest import Say
from tests.faults.fleet import fleet
from tests.faults.invariants import check_invariants, rows
from tests.faults.worker_process import wait_until
from tests.jobs_fixtures import control_plane

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.parametrize("servers", [REDIS], indirect=True)]

# the renders of the service, not the fake ones
WORKER = """
import sys
from vidgen.jobs.settings import load_settings
from vidgen_workers.main import run_worker
sys.exit(run_worker(load_settings()))
"""
# one worker may be slow to start, so there are as many as it takes until both have had one
BATCH, MOST_BATCHES = 4, 6
SPEC = {"model": "tiny", "num_frames": 25, "width": 64, "height": 64, "num_inference_steps": 20, "seed": 7}


@pytest.mark.timeout(600)
def test_a_clip_is_the_same_whichever_worker_made_it(
    on: Backend, tiny_manifests: Path, tmp_path: Path, say: Say
) -> None:
    """Equal to the byte: neither the clip nor its metadata hold anything of the worker or the attempt.

    Fails when the noise depends on the process that draws it: tried.
    """
    data = tmp_path / "shared"
    data.mkdir()
    settings = {"broker_url": on.broker_url, "model_folders": (tiny_manifests,), "lease_seconds": 30.0}
    with control_plane(data, **settings) as plane, fleet(plane) as running:
        running.web()
        for n in range(2):
            machine = tmp_path / f"machine-{n}"
            machine.symlink_to(data)  # mounted elsewhere there
            running.worker(script=WORKER, VIDGEN_DATA_DIR=str(machine))
        client = Client(running.base)
        wait_until(client.is_ready, 180, "the web server")
        wait_until(lambda: all("worker started" in it.log.read_text() for it in running.workers), 180, "both workers")
        for _ in range(MOST_BATCHES):
            batch = [client.submit("a cat", **SPEC) for _ in range(BATCH)]
            for job_id in batch:
                assert client.wait(job_id, seconds=300)["status"] == "succeeded"
            claims = [claimed(worker.log) for worker in running.workers]
            if all(claims):
                break
        assert all(claims), "one worker made them all"
        check_invariants(plane, client.accepted)
        assert sorted(job for claim in claims for job in claim) == sorted(client.accepted)
        for kind in ("video", "poster"):
            found = rows(plane, f"SELECT DISTINCT sha256 FROM artifacts WHERE kind = '{kind}'")
            assert len(found) == 1, f"{kind}s differ"
        each = " and ".join(str(len(claim)) for claim in claims)
        say(f"{len(client.accepted)} equal specs, {each} a worker: one sha256")


def claimed(log: Path) -> list[str]:
    lines = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
    return [line["job"] for line in lines if line["event"] == "claimed"]
