"""What must hold in the database and the store after any run, asked with plain SQL, past the service's own code."""

import hashlib
from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import text

from vidgen.jobs.service import ControlPlane

# each finds the rows that break a promise
BROKEN = {
    "a job that has not ended": "SELECT id, status FROM jobs WHERE status NOT IN ('succeeded', 'failed', 'cancelled')",
    "an ended job that somebody owns": "SELECT id FROM jobs WHERE owner IS NOT NULL OR lease_until IS NOT NULL",
    "a job without exactly one terminal event a round": """
        SELECT jobs.id, count(job_events.id) FROM jobs
        LEFT JOIN job_events ON job_events.job_id = jobs.id
            AND job_events.kind IN ('job.succeeded', 'job.failed', 'job.cancelled')
        GROUP BY jobs.id, jobs.round HAVING count(job_events.id) <> jobs.round + 1""",
    "a terminal event that says another status than its job": """
        SELECT jobs.id, jobs.status, job_events.kind FROM jobs JOIN job_events ON job_events.job_id = jobs.id
        WHERE job_events.terminal_round = jobs.round AND job_events.kind <> 'job.' || jobs.status""",
    "an event after the terminal one": """
        SELECT late.job_id, late.kind FROM job_events AS late
        JOIN job_events AS ended ON ended.job_id = late.job_id AND ended.terminal_round IS NOT NULL
        JOIN jobs ON jobs.id = late.job_id AND jobs.round = ended.terminal_round
        WHERE late.id > ended.id""",
    "a succeeded job without a video": """
        SELECT jobs.id FROM jobs WHERE status = 'succeeded' AND NOT EXISTS
        (SELECT 1 FROM artifacts WHERE artifacts.job_id = jobs.id AND kind = 'video')""",
    "an artifact of a job that did not succeed, or of another attempt": """
        SELECT jobs.id, jobs.status, artifacts.attempt FROM artifacts JOIN jobs ON jobs.id = artifacts.job_id
        WHERE jobs.status <> 'succeeded' OR artifacts.attempt <> jobs.attempt""",
    "a callback that was not announced exactly once": """
        SELECT jobs.id, count(outbox.id) FROM jobs LEFT JOIN outbox ON outbox.job_id = jobs.id
        WHERE jobs.callback_url IS NOT NULL GROUP BY jobs.id, jobs.round HAVING count(outbox.id) <> jobs.round + 1""",
}


def rows(plane: ControlPlane, statement: str) -> list[tuple[Any, ...]]:
    with plane.engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(statement))]


def check_invariants(plane: ControlPlane, accepted: Collection[str], cancelled: Iterable[str] = ()) -> None:
    """Promises 1, 2 and 7 over every job in the database. Raises AssertionError."""
    statuses = dict(rows(plane, "SELECT id, status FROM jobs"))
    assert set(accepted) - set(statuses) == set(), "a 202 was lost"
    # every POST carried a key, so a job that nobody was told of is a POST that was repeated
    assert set(statuses) - set(accepted) == set(), "a POST made more than one job"
    for rule, statement in BROKEN.items():
        assert rows(plane, statement) == [], rule
    attempts_start_once(plane)
    assert [it for it in cancelled if statuses[it] == "succeeded"] == [], "succeeded after an accepted cancel"
    artifacts_are_whole(plane)


def attempts_start_once(plane: ControlPlane) -> None:
    """No attempt number is given out twice."""
    events = rows(plane, "SELECT job_id, kind FROM job_events WHERE kind = 'job.running'")
    starts: dict[str, int] = {}
    for job_id, _kind in events:
        starts[job_id] = starts.get(job_id, 0) + 1
    attempts = dict(rows(plane, "SELECT id, attempt FROM jobs WHERE attempt > 0"))
    assert starts == attempts, "attempts and their starts differ"


def artifacts_are_whole(plane: ControlPlane) -> None:
    """Every published file is there with the bytes that its row says; no temporary file is left beside one."""
    for key, size, sha256 in rows(plane, "SELECT key, size, sha256 FROM artifacts"):
        content = plane.store.path(key).read_bytes()
        assert (len(content), hashlib.sha256(content).hexdigest()) == (size, sha256), f"{key} is damaged"
