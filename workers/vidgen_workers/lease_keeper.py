"""Renews the lease of the job in hand, in a thread of its own, so that neither model nor disk can hold it up."""

import logging
import threading
import time
from types import TracebackType
from typing import Self

from sqlalchemy.exc import SQLAlchemyError

from vidgen.jobs.fence import LeaseLost
from vidgen.jobs.repository import JobRepository
from vidgen.jobs.views import Claim
from vidgen.telemetry.context import inherited

log = logging.getLogger(__name__)


class LeaseKeeper:
    """`with LeaseKeeper(…) as lease:` then look at `lease.lost` and `lease.cancelled` often."""

    def __init__(
        self, jobs: JobRepository, claim: Claim, *, lease_seconds: float, heartbeat_seconds: float, poll_seconds: float
    ) -> None:
        self._jobs = jobs
        self._claim = claim
        self._lease_seconds = lease_seconds
        self._heartbeat_seconds = heartbeat_seconds
        self._poll_seconds = min(poll_seconds, heartbeat_seconds)
        self._renewed = time.monotonic()
        self._lost = threading.Event()
        self._cancelled = threading.Event()
        self._stop_asked = threading.Event()
        self._done = threading.Event()
        self._thread = threading.Thread(target=inherited(self._keep), name="lease-keeper", daemon=True)

    @property
    def lost(self) -> bool:
        """The job belongs to somebody else, or must be taken for lost because the database cannot be asked."""
        return self._lost.is_set()

    @property
    def cancelled(self) -> bool:
        """Somebody asked for a cancel."""
        return self._cancelled.is_set()

    @property
    def stop_asked(self) -> bool:
        """Somebody asked to end after the chunk in hand."""
        return self._stop_asked.is_set()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        self._thread.join()

    def _keep(self) -> None:
        while not self._done.wait(self._poll_seconds) and not self.lost:
            try:
                self._look()
            except LeaseLost:
                if not self._done.is_set():
                    self._lost.set()
            except SQLAlchemyError as error:
                log.warning("heartbeat failed: %s", type(error).__name__)
                if time.monotonic() - self._renewed > self._lease_seconds:
                    self._lost.set()

    def _look(self) -> None:
        now = time.monotonic()
        if now - self._renewed >= self._heartbeat_seconds:
            wishes = self._jobs.heartbeat(self._claim, self._lease_seconds)
            self._renewed = now
        else:
            wishes = self._jobs.wishes(self._claim)
        if wishes.cancel:
            self._cancelled.set()
        if wishes.stop:
            self._stop_asked.set()
