"""Threads that do one small thing again and again until the worker stops."""

import logging
import threading
from collections.abc import Callable
from typing import Final

from sqlalchemy.exc import SQLAlchemyError

log = logging.getLogger(__name__)


class Repeating:
    """Calls `step` every `seconds`, at once again when it says that there is more to do; `broken` when it breaks."""

    def __init__(
        self, name: str, step: Callable[[], bool | None], seconds: float, broken: Callable[[], None] = lambda: None
    ) -> None:
        self.name: Final = name
        self._broken = broken
        self._step = step
        self._seconds = seconds
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Ask it to end after the step in hand."""
        self._stop.set()

    def join(self, seconds: float) -> None:
        self._thread.join(seconds)

    def _run(self) -> None:
        try:
            self._repeat()
        finally:
            # only a bug ends it unasked; better a worker that is started anew than one without this thread
            if not self._stop.is_set():
                self._broken()

    def _repeat(self) -> None:
        while not self._stop.is_set():
            more = False
            try:
                more = bool(self._step())
            except (SQLAlchemyError, OSError) as error:
                # the database or the disk is away or busy; a thread that died over it would never see it come back
                log.warning("%s: %s; trying again", self.name, type(error).__name__)
            if not more:
                self._stop.wait(self._seconds)
