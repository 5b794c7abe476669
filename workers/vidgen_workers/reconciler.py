"""Puts right what dead workers and lost messages left behind. Every worker runs one at the same time."""

import logging
import time

from vidgen.jobs.cleaning import Cleaner
from vidgen.jobs.presence import Presence
from vidgen.jobs.repository import JobRepository
from vidgen_workers.supervisor import Supervisor

log = logging.getLogger(__name__)

EVERY_SECONDS = 5.0
CLEAN_EVERY_SECONDS = 600.0


class Reconciler:
    """Expired leases at every step; retention and orphans now and then."""

    def __init__(
        self, jobs: JobRepository, cleaner: Cleaner, presence: Presence, supervisor: Supervisor, retention_days: float
    ) -> None:
        self._jobs = jobs
        self._cleaner = cleaner
        self._presence = presence
        self._supervisor = supervisor
        self._retention_days = retention_days
        self._cleaned = float("-inf")

    def step(self) -> bool:
        lost = self._jobs.expire_leases()
        if lost:
            log.warning("expired leases", extra={"count": lost})
        self._presence.beat(self._supervisor.owner, self._supervisor.current_job)
        if time.monotonic() - self._cleaned > CLEAN_EVERY_SECONDS:
            self._cleaned = time.monotonic()
            removed = self._cleaner.clean(self._retention_days)
            if removed:
                log.info("cleaned", extra={"count": removed})
        return False
