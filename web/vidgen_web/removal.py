"""Removing a job that may still run: first it is cancelled, and what waits for its worker waits a bounded time."""

import re
import time

from vidgen.errors import VidgenError
from vidgen.jobs.views import Job
from vidgen_web.services import Services

WAIT_SECONDS, LONGEST_WAIT_SECONDS = 15.0, 30.0
LOOK_SECONDS = 0.1
_WAIT = re.compile(r"wait\s*=\s*(\d{1,9})")


def preferred_wait(preferences: str | None) -> float:
    """Seconds that a client wants to wait, from its `Prefer` header (RFC 7240); what is not understood is ignored."""
    asked = [part.strip().lower() for part in re.split("[,;]", preferences or "")]
    if "respond-async" in asked:
        return 0.0
    waits = [float(found[1]) for part in asked if (found := _WAIT.fullmatch(part))]
    return min(waits[0], LONGEST_WAIT_SECONDS) if waits else WAIT_SECONDS


def remove(services: Services, job_id: str, seconds: float) -> Job | None:
    """Delete a job and its files; None when it is gone. One that is returned goes as soon as its worker lets go.

    Raises VidgenError not_found.
    """
    left = when_ended(services, services.jobs.discard(job_id), seconds)
    if left is not None and not left.status.is_terminal:
        return left
    try:
        services.jobs.delete(job_id)
    except VidgenError as error:
        if error.code != "not_found":
            raise
        # whoever looks after discarded jobs was here first
    return None


def when_ended(services: Services, job: Job, seconds: float) -> Job | None:
    """The job once nobody works on it, or as it is after `seconds`; None when it is gone.

    Few may wait at a time, because each holds a thread of the server; the others are answered at once.
    """
    if job.status.is_terminal or seconds <= 0 or not services.waits.acquire(blocking=False):
        return job
    try:
        end, found = time.monotonic() + seconds, services.jobs.get(job.id)
        while found is not None and not found.status.is_terminal and time.monotonic() < end:
            if services.stopping.wait(LOOK_SECONDS):
                break
            found = services.jobs.get(job.id)
        return found
    finally:
        services.waits.release()
