"""The worker process: a Celery worker, the supervisor with its runner, and the background threads around them."""

import logging
import os
import secrets
import signal
import socket
import threading
from collections.abc import Callable
from datetime import datetime
from functools import partial
from types import FrameType
from typing import Any

from celery.exceptions import WorkerShutdown
from celery.worker import state

from vidgen.jobs.files.cleaning import Cleaner
from vidgen.jobs.files.urls import sign_artifact_url
from vidgen.jobs.line.pokes import is_embedded
from vidgen.jobs.service import ControlPlane, open_control_plane
from vidgen.jobs.settings import Settings
from vidgen.jobs.webhooks.outbox import Outbox
from vidgen.telemetry.logs import log_to_stderr
from vidgen.telemetry.tracing import start_tracing
from vidgen_workers.background import Repeating
from vidgen_workers.capacity import capacity
from vidgen_workers.dispatcher import Dispatcher
from vidgen_workers.housekeeping import CLEAN_EVERY_SECONDS, Housekeeping
from vidgen_workers.poller import Poller
from vidgen_workers.reconciler import EVERY_SECONDS, Reconciler
from vidgen_workers.runner import DEFAULT_RENDER
from vidgen_workers.runner_process import RunnerProcess
from vidgen_workers.supervisor import Supervisor
from vidgen_workers.tasks import make_app

log = logging.getLogger(__name__)

# a receiver may take 15 s; others should not wait for it, and other tenants not for all of one tenant's
DISPATCHERS = 4
OF_ONE_TENANT = DISPATCHERS - 1
JOIN_SECONDS = 2.0
# Celery says goodbye to its broker; one that is frozen never answers
GOODBYE_SECONDS = 10.0


def run_worker(settings: Settings, *, render: str = DEFAULT_RENDER, name: str | None = None) -> int:
    """Work until SIGTERM or SIGINT, then hand the job in hand back; returns the exit code.

    The database must have been migrated. `render` names the function that the runner calls; `name` is whom its jobs
    belong to, which no two workers may share.
    """
    log_to_stderr(settings.log_format, settings.log_level)
    start_tracing("vidgen-worker")
    plane = open_control_plane(settings)
    owner = name or f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
    supervisor = Supervisor(
        plane,
        RunnerProcess(render, settings.manifest_folders, settings.log_format, settings.log_level),
        owner,
        capacity(settings),
    )
    app = make_app(settings, supervisor)
    threads = _threads(plane, app, supervisor)
    celery_worker = app.WorkController(
        pool="threads", concurrency=1, hostname=owner, without_gossip=True, without_mingle=True, without_heartbeat=True
    )
    close = partial(_close, plane, supervisor, threads)
    hurry = threading.Timer(GOODBYE_SECONDS, _leave_at_once, (close,))
    hurry.daemon = True
    _stop_on_signals(supervisor, hurry)
    for thread in threads:
        thread.start()
    log.info("worker started", extra={"worker": owner})
    try:
        celery_worker.start()
    finally:
        hurry.cancel()
        close()
    log.info("worker stopped", extra={"worker": owner})
    return int(celery_worker.exitcode or 0)


def _threads(plane: ControlPlane, app: Any, supervisor: Supervisor) -> list[Repeating]:
    settings = plane.settings

    def link(artifact_id: str, expires_at: datetime) -> str:
        return settings.base_url + sign_artifact_url(settings.secret_key, artifact_id, expires_at)

    outbox = Outbox(plane.engine, settings.webhook_secret, link)
    deliver = Dispatcher(outbox, settings.webhook_allow_private, at_most=OF_ONE_TENANT).deliver_one
    cleaner = Cleaner(plane.engine, plane.store, plane.jobs, plane.uploads, settings.incoming_dir)
    reconciler = Reconciler(plane, supervisor)
    housekeeping = Housekeeping(cleaner, settings)
    broken = partial(_stop_working, supervisor, 1)
    poller = Poller(app, plane.jobs, supervisor, embedded=is_embedded(settings))
    return [
        Repeating("reconciler", reconciler.step, min(EVERY_SECONDS, settings.lease_seconds / 2), broken),
        Repeating("housekeeping", housekeeping.step, CLEAN_EVERY_SECONDS, broken),
        Repeating("poller", poller.step, settings.poll_seconds, broken),
        *(Repeating(f"dispatcher-{n}", deliver, settings.poll_seconds, broken) for n in range(DISPATCHERS)),
    ]


def _stop_on_signals(supervisor: Supervisor, hurry: threading.Timer) -> None:
    def stop(number: int, frame: FrameType | None) -> None:
        del number, frame
        first = state.should_stop is None
        _stop_working(supervisor, 0)
        if first:
            hurry.start()
            # straight out of Celery's loop, which would otherwise notice only seconds later
            raise WorkerShutdown(0)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)


def _stop_working(supervisor: Supervisor, exit_code: int) -> None:
    supervisor.request_stop()
    state.should_stop = exit_code  # Celery's loop looks at it every two seconds


def _leave_at_once(close: Callable[[], None]) -> None:
    log.warning("the broker does not let go; leaving without its answer")
    close()
    os._exit(0)


def _close(plane: ControlPlane, supervisor: Supervisor, threads: list[Repeating]) -> None:
    """End the threads and the runner, once the job in hand is back in the queue."""
    supervisor.request_stop()
    _stop(threads)
    supervisor.close()
    plane.presence.leave(supervisor.owner)
    plane.engine.dispose()


def _stop(threads: list[Repeating]) -> None:
    for thread in threads:
        thread.stop()
    for thread in threads:
        thread.join(JOIN_SECONDS)
