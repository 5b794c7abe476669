"""Retention and orphans, now and then. A sweep of a large store takes minutes, so nothing else runs in its thread."""

import logging

from vidgen.jobs.files.cleaning import Cleaner
from vidgen.jobs.settings import Settings

log = logging.getLogger(__name__)

CLEAN_EVERY_SECONDS = 600.0


class Housekeeping:
    """One cleaning at a step."""

    def __init__(self, cleaner: Cleaner, settings: Settings) -> None:
        self._cleaner = cleaner
        self._settings = settings

    def step(self) -> None:
        removed = self._cleaner.clean(
            self._settings.retention_days,
            disk_budget_gb=self._settings.disk_budget_gb,
            chunk_days=self._settings.chunk_days,
        )
        if removed:
            log.info("cleaned", extra={"count": removed})
