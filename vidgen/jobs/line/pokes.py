"""Wakes workers up after a commit. A poke may be lost, may come twice and names no job: the row is the job."""

import contextlib
import logging
import threading
from typing import Any

from vidgen.jobs.settings import Settings

log = logging.getLogger(__name__)

TASK = "vidgen.work"
QUEUE = "vidgen"
EXPIRES_SECONDS = 60
_in_flight = threading.Lock()


def is_embedded(settings: Settings) -> bool:
    """Whether the broker lives inside each worker process, where nobody else can reach it."""
    return settings.broker_url.startswith("memory:")


def celery_app(settings: Settings) -> Any:
    """The Celery application of `settings.broker_url`. Imports Celery, so callers ask for it late."""
    from celery import Celery

    # a host name, or kombu warns at every connection that there is none
    broker_url = "memory://localhost/" if is_embedded(settings) else settings.broker_url
    app = Celery("vidgen", broker=broker_url, set_as_current=False)
    app.conf.update(
        task_serializer="json",
        accept_content=["json"],
        result_backend=None,
        task_ignore_result=True,
        # the lease does redelivery; late acknowledgement ran hour-long tasks twice
        task_acks_late=False,
        task_default_queue=QUEUE,
        worker_prefetch_multiplier=1,
        worker_enable_remote_control=False,
        worker_send_task_events=False,
        worker_hijack_root_logger=False,
        broker_connection_retry_on_startup=True,
        # the pollers work on without a broker, so the worker waits for it for ever
        broker_connection_max_retries=None,
        broker_transport_options=_transport_options(settings),
    )
    return app


def poke(settings: Settings) -> None:
    """Tell the workers that there is something to claim. Best effort: returns at once and never raises."""
    if is_embedded(settings):
        return  # the broker lives inside the worker, whose own poller looks at the database
    # one poke at a time: while one hangs on a stalled broker the pollers make up for the others
    if _in_flight.acquire(blocking=False):
        threading.Thread(target=_send, args=(settings,), name="poke", daemon=True).start()


def _send(settings: Settings) -> None:
    from kombu.exceptions import KombuError

    try:
        with contextlib.closing(celery_app(settings)) as app, app.connection_for_write() as connection:
            # every transport has errors of its own kind: redis', amqp's, the operating system's
            lost = (OSError, KombuError, *connection.recoverable_connection_errors, *connection.connection_errors)
            try:
                app.send_task(TASK, connection=connection, queue=QUEUE, expires=EXPIRES_SECONDS, retry=False)
            except lost as error:
                log.warning("poke lost: %s", type(error).__name__)
    finally:
        _in_flight.release()


def _transport_options(settings: Settings) -> dict[str, object]:
    if is_embedded(settings):
        return {"polling_interval": 0.1}
    if settings.broker_url.startswith("redis"):
        return {"socket_timeout": 5, "socket_connect_timeout": 1, "max_retries": 1}
    return {"max_retries": 1}
