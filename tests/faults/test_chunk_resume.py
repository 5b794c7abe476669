"""Promise 4: a crash costs at most the chunk that was being made, and the resumed clip is identical."""

import os
import random
import signal
import time
from pathlib import Path

import pytest

from tests.faults.backends import ONE, Backend
from tests.faults.conftest import Say
from tests.faults.invariants import check_invariants, rows
from tests.faults.rounds import fault_rounds, fault_seed
from tests.faults.running_service import RunningService, running_service
from tests.faults.worker_process import SCRIPT, wait_until

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.parametrize("servers", ONE, indirect=True)]

# no task of the released models is fast enough to be killed a hundred times, so a fake one is made in chunks
IN_CHUNKS = "from vidgen.spec import TextToVideo\nTextToVideo.chunked = True\n" + SCRIPT
CHUNKS, CHUNK_SECONDS = 12, 0.4
SHORT_KILLS = 3
# a worker waits longer from failure to failure, up to a minute; a lease that runs out is not waited for
RUNNER_KILLS = 3


@pytest.mark.timeout(3600)
def test_a_crash_costs_one_chunk_and_the_clip_is_identical(on: Backend, tmp_path: Path, say: Say) -> None:
    """Fails when the chunks do not lie in a folder that outlives the attempt: tried, 30 computations for 12 chunks."""
    seed, kills = fault_seed(), max(SHORT_KILLS, fault_rounds() // 4)
    print(f"VIDGEN_FAULT_SEED={seed} VIDGEN_FAULT_ROUNDS={fault_rounds()}")
    rng = random.Random(seed)
    settings = {"lease_seconds": 4.0, "heartbeat_seconds": 1.0, "max_attempts": kills + 2}
    with running_service(on, tmp_path, script=IN_CHUNKS, **settings) as up:
        whole, cut = ledger(tmp_path / "whole"), ledger(tmp_path / "cut")
        up.client.wait(up.client.submit(prompt(whole)), seconds=120)
        assert made(whole) == CHUNKS
        job_id = up.client.submit(prompt(cut))
        for n in range(kills):
            at_least = min(CHUNKS - 2, (n + 1) * CHUNKS // (kills + 1))
            wait_until(lambda at_least=at_least: distinct(cut) >= at_least, 120, "the next chunk")
            time.sleep(rng.uniform(0, CHUNK_SECONDS))
            hit(up, rng, runner_alone=n < RUNNER_KILLS)
        job = up.client.wait(job_id, seconds=180)
        assert (job["status"], job["attempts"]) == ("succeeded", 1 + kills)
        assert distinct(cut) == CHUNKS
        assert made(cut) <= CHUNKS + kills
        digests = rows(up.plane, "SELECT DISTINCT sha256 FROM artifacts WHERE kind = 'video'")
        assert len(digests) == 1, "the resumed clip differs from the one that was never interrupted"
        check_invariants(up.plane, up.client.accepted)
        say(f"seed {seed}: {kills} kills, {CHUNKS} chunks, {made(cut) - CHUNKS} made again; sha256 equal")


def prompt(folder: Path) -> str:
    return f"chunked {CHUNKS} {CHUNK_SECONDS} {folder}"


def ledger(folder: Path) -> Path:
    folder.mkdir()
    return folder


def made(folder: Path) -> int:
    return len(list(folder.iterdir()))


def distinct(folder: Path) -> int:
    return len({file.name.partition("-")[0] for file in folder.iterdir()})


def hit(up: RunningService, rng: random.Random, *, runner_alone: bool) -> None:
    """Kill the runner, or the worker with it, which somebody then starts again."""
    (worker,) = up.fleet.workers
    wait_until(lambda: len(worker.family()) > 1, 60, "a runner")
    if runner_alone and rng.random() < 0.5:
        os.kill(worker.family()[1], signal.SIGKILL)
    else:
        worker.kill()
        worker.revive()
