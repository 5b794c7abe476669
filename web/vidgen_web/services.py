"""What the routes work with: one object built by the app factory, seen through the caller's eyes. Knows no routes."""

import sys
import threading
from dataclasses import dataclass, field, replace
from typing import Self, cast

from flask import current_app
from sqlalchemy import Engine

from vidgen.jobs.files.storage import LocalStore
from vidgen.jobs.files.uploads import UploadRepository
from vidgen.jobs.gallery import Gallery
from vidgen.jobs.line.pausing import QueueSwitch
from vidgen.jobs.line.watchdog import Watchdog
from vidgen.jobs.presets import PresetRepository
from vidgen.jobs.repository import JobRepository
from vidgen.jobs.settings import Settings
from vidgen.jobs.state.presence import Presence
from vidgen.jobs.sweeps import SweepRepository
from vidgen.jobs.tenants.keys import KeyRepository
from vidgen.jobs.tenants.quotas import Quotas
from vidgen.jobs.webhooks.deliveries import DeliveryRepository
from vidgen.jobs.webhooks.endpoints import EndpointRepository
from vidgen_models.networks import NetworkRegistry
from vidgen_models.registry import ModelRegistry
from vidgen_web.caller import API, Caller, caller
from vidgen_web.shares import Shares

EXTENSION = "vidgen"
SERVER_THREADS = 32
CALLERS_KEPT = 256
# what is slow may hold all of its places at once, and the rest of the threads answers everybody else
STREAMS = 12
CALLS_AT_ONCE = 6
FILE_PLACES = 8
WAITS_AT_ONCE = 2
# of those who have a place: the others wait for their turn
FILES_AT_ONCE = 2
INGEST_COMMAND = (sys.executable, "-I", "-m", "vidgen.media.ingest")
RECALL_COMMAND = (sys.executable, "-I", "-m", "vidgen.media.recall")
DRAW_COMMAND = (sys.executable, "-I", "-m", "vidgen.motion.controls.strip")


@dataclass(frozen=True)
class Services:
    """`jobs` to `deliveries` hold what the caller owns, `every_job` all.

    `api` is where the caller's browser finds the API. `ingest_command` is run with the arguments SRC OUT_DIR,
    `recall_command` with FILE, `draw_command` with FILE OUT KIND WIDTH HEIGHT FPS SMOOTHING; `stopping` ends the event
    streams. `streams`, `calls` and `files` bound event streams, waits for hosts outside, and files that are read.
    """

    settings: Settings
    engine: Engine
    jobs: JobRepository
    every_job: JobRepository
    gallery: Gallery
    sweeps: SweepRepository
    presets: PresetRepository
    uploads: UploadRepository
    endpoints: EndpointRepository
    deliveries: DeliveryRepository
    keys: KeyRepository
    quotas: Quotas
    presence: Presence
    switch: QueueSwitch
    watchdog: Watchdog
    store: LocalStore
    models: ModelRegistry
    networks: NetworkRegistry
    streams: Shares
    calls: Shares
    files: Shares
    api: str = API
    ingest_command: tuple[str, ...] = INGEST_COMMAND
    recall_command: tuple[str, ...] = RECALL_COMMAND
    draw_command: tuple[str, ...] = DRAW_COMMAND
    ingests: threading.Semaphore = field(default_factory=lambda: threading.BoundedSemaphore(FILES_AT_ONCE))
    waits: threading.Semaphore = field(default_factory=lambda: threading.BoundedSemaphore(WAITS_AT_ONCE))
    stopping: threading.Event = field(default_factory=threading.Event)
    _seen: dict[tuple[str, str, str], Self] = field(default_factory=dict, init=False)

    def of(self, caller: Caller) -> Self:
        """The same, where only the rows of this caller's tenant exist; made once for each of the latest callers."""
        eyes = (caller.tenant, caller.actor, caller.api)
        bound = self._seen.get(eyes)
        if bound is None:
            if len(self._seen) >= CALLERS_KEPT:
                self._seen.clear()
            bound = self._seen[eyes] = self._bound_to(caller)
        return bound

    def _bound_to(self, caller: Caller) -> Self:
        eyes = (caller.tenant, caller.actor)
        return replace(
            self,
            jobs=self.jobs.of(*eyes),
            gallery=self.gallery.of(*eyes),
            sweeps=self.sweeps.of(*eyes),
            presets=self.presets.of(*eyes),
            uploads=self.uploads.of(*eyes),
            models=self.models.of(caller.tenant),
            endpoints=self.endpoints.of(*eyes),
            deliveries=self.deliveries.of(*eyes),
            keys=self.keys.of(*eyes),
            api=caller.api,
        )


def services() -> Services:
    """The Services of the app that handles the current request, bound to its caller's tenant."""
    return cast(Services, current_app.extensions[EXTENSION]).of(caller())
