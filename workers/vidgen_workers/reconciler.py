"""Puts right what dead workers and lost messages left behind. Every worker runs one at the same time."""

import logging

from vidgen.jobs.service import ControlPlane
from vidgen_workers.supervisor import Supervisor

log = logging.getLogger(__name__)

EVERY_SECONDS = 5.0


class Reconciler:
    """Expired leases, discarded jobs, this worker's presence, jobs that nobody takes.

    Nothing slow: who is not heard of counts as dead.

    Retention and orphans have a thread of their own: see housekeeping.
    """

    def __init__(self, plane: ControlPlane, supervisor: Supervisor) -> None:
        self._jobs = plane.jobs
        self._presence = plane.presence
        self._watchdog = plane.watchdog
        self._supervisor = supervisor

    def step(self) -> bool:
        lost = self._jobs.expire_leases()
        if lost:
            log.warning("expired leases", extra={"count": lost})
        self._jobs.delete_discarded()
        self._presence.beat(self._supervisor.owner, self._supervisor.current_job, self._supervisor.capacity)
        self._watchdog.look()
        return False
