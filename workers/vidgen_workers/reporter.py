"""Carries the runner's progress to the row: at most two writes a second, the last word always among them."""

import logging
import time
from dataclasses import replace

from sqlalchemy.exc import SQLAlchemyError

from vidgen.jobs.files.storage import LocalStore
from vidgen.jobs.repository import JobRepository
from vidgen.jobs.views import Claim
from vidgen.spec import Progress

log = logging.getLogger(__name__)

WRITE_SECONDS = 0.5


class Reporter:
    """One attempt's progress. `take` what the runner says, `flush` now and then."""

    def __init__(self, jobs: JobRepository, store: LocalStore, claim: Claim) -> None:
        self._jobs = jobs
        self._store = store
        self._claim = claim
        self._pending: Progress | None = None
        self._written = 0.0
        self._started: tuple[float, float] | None = None

    def take(self, progress: Progress) -> None:
        """Remember the newest, and the newest preview even when a later report has none."""
        if progress.preview is None and self._pending is not None:
            progress = replace(progress, preview=self._pending.preview)
        self._pending = progress

    def flush(self, *, now: bool = False) -> None:
        """Write what is pending when its time has come, or `now`. Raises LeaseLost."""
        if self._pending is None or (not now and time.monotonic() - self._written < WRITE_SECONDS):
            return
        progress, self._pending, self._written = self._pending, None, time.monotonic()
        try:
            if progress.preview is not None:
                self._store.replace_preview(self._claim.job_id, self._claim.attempt, progress.preview)
            self._jobs.report(self._claim, progress, self._eta(progress.fraction))
        except (SQLAlchemyError, OSError) as error:
            # progress is worth less than the job: the next report tells it anyway
            log.warning("progress not written: %s", type(error).__name__)

    def _eta(self, fraction: float) -> float | None:
        """Seconds left at the pace since the first report that was above zero."""
        if fraction <= 0.0:
            return None
        moment = time.monotonic()
        if self._started is None:
            self._started = (moment, fraction)
        begun, first = self._started
        done = fraction - first
        return None if done <= 0.0 else (moment - begun) * (1.0 - fraction) / done
