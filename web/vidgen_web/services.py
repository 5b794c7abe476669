"""What the routes work with: one object built by the app factory. Knows no routes."""

import sys
import threading
from dataclasses import dataclass, field
from typing import cast

from flask import current_app
from sqlalchemy import Engine

from vidgen.jobs.repository import JobRepository
from vidgen.jobs.settings import Settings
from vidgen.jobs.storage import LocalStore
from vidgen.jobs.uploads import UploadRepository
from vidgen.jobs.webhooks import EndpointRepository
from vidgen_models.registry import ModelRegistry

EXTENSION = "vidgen"
SERVER_THREADS = 16
THREADS_KEPT_FREE = 4
INGEST_COMMAND = (sys.executable, "-I", "-m", "vidgen.media.ingest")


@dataclass(frozen=True)
class Services:
    """`ingest_command` is run with the arguments SRC OUT_DIR; `stopping` ends the event streams."""

    settings: Settings
    engine: Engine
    jobs: JobRepository
    uploads: UploadRepository
    endpoints: EndpointRepository
    store: LocalStore
    models: ModelRegistry
    ingest_command: tuple[str, ...] = INGEST_COMMAND
    stopping: threading.Event = field(default_factory=threading.Event)
    streams: threading.Semaphore = field(
        default_factory=lambda: threading.BoundedSemaphore(SERVER_THREADS - THREADS_KEPT_FREE)
    )


def services() -> Services:
    """The Services of the app that handles the current request."""
    return cast(Services, current_app.extensions[EXTENSION])
