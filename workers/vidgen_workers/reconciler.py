"""Puts right what dead workers and lost messages left behind. Every worker runs one at the same time."""

import logging
import time

from vidgen.jobs.cleaning import Cleaner
from vidgen.jobs.service import ControlPlane
from vidgen_workers.supervisor import Supervisor

log = logging.getLogger(__name__)

EVERY_SECONDS = 5.0
CLEAN_EVERY_SECONDS = 600.0


class Reconciler:
    """Expired leases and jobs that nobody takes at every step; retention and orphans now and then."""

    def __init__(self, plane: ControlPlane, cleaner: Cleaner, supervisor: Supervisor) -> None:
        self._jobs = plane.jobs
        self._cleaner = cleaner
        self._presence = plane.presence
        self._watchdog = plane.watchdog
        self._supervisor = supervisor
        self._settings = plane.settings
        self._cleaned = float("-inf")

    def step(self) -> bool:
        lost = self._jobs.expire_leases()
        if lost:
            log.warning("expired leases", extra={"count": lost})
        self._presence.beat(self._supervisor.owner, self._supervisor.current_job, self._supervisor.capacity)
        self._watchdog.look()
        if time.monotonic() - self._cleaned > CLEAN_EVERY_SECONDS:
            self._cleaned = time.monotonic()
            removed = self._cleaner.clean(self._settings.retention_days, disk_budget_gb=self._settings.disk_budget_gb)
            if removed:
                log.info("cleaned", extra={"count": removed})
        return False
