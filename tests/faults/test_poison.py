"""Promise 8: a job that kills whoever runs it ends after its attempts, and its neighbours notice nothing."""

from pathlib import Path

import pytest

from tests.faults.backends import ONE, Backend
from tests.faults.conftest import Say
from tests.faults.invariants import check_invariants, rows
from tests.faults.running_service import RunningService, running_service
from tests.faults.worker_process import wait_until

pytestmark = [pytest.mark.faults, pytest.mark.parametrize("servers", ONE, indirect=True)]

ATTEMPTS = 3
# habit of the render → the code its job ends with, and the attempts it is worth
POISON = {
    "suicidal": ("worker_lost", ATTEMPTS),
    "assassin": ("worker_lost", ATTEMPTS),
    "memory": ("out_of_memory", 2),
    "exits": ("worker_lost", ATTEMPTS),
    "hangs": ("render_hung", ATTEMPTS),
}
SILENCE_SECONDS = 4.0
NEIGHBOURS = 6


def test_poison_jobs_end_and_their_neighbours_are_served(on: Backend, tmp_path: Path, say: Say) -> None:
    """Renders that kill themselves, kill their worker, exit, never fit into memory, or hang, among good ones.

    Fails when the attempts of a lost lease are not counted, when every out-of-memory is tried again, and when a silent
    render is waited for, as it was for ever: tried."""
    with running_service(on, tmp_path, workers=2, max_attempts=ATTEMPTS, silence_seconds=SILENCE_SECONDS) as up:
        bad, good = {}, []
        for habit in POISON:
            bad[habit] = up.client.submit(habit)
            good += [up.client.submit("quick") for _ in range(NEIGHBOURS // 2)]
        wait_until(lambda: all_ended(up), 120, "the end of every job")
        for job_id in good:
            job = up.client.get(job_id)
            assert (job["status"], job["attempts"]) == ("succeeded", 1)
        ended = {habit: up.client.get(job_id) for habit, job_id in bad.items()}
        assert {habit: (job["error"]["code"], job["attempts"]) for habit, job in ended.items()} == POISON
        check_invariants(up.plane, up.client.accepted)
        attempts = sum(job["attempts"] for job in ended.values())
        say(f"{len(bad)} poison jobs, {attempts} attempts, {len(good)} neighbours unaffected")


def all_ended(up: RunningService) -> bool:
    for member in up.fleet.members:
        member.revive()  # as a service manager does with the worker that was killed
    return rows(up.plane, "SELECT count(*) FROM jobs WHERE status IN ('queued', 'running')") == [(0,)]
