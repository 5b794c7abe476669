"""Runs the app under waitress until SIGTERM or Ctrl+C."""

import signal
import sys
import threading
from types import FrameType
from typing import NoReturn

from flask import Flask
from waitress.server import BaseWSGIServer, MultiSocketServer, create_server

from vidgen.errors import VidgenError
from vidgen.jobs.settings import Settings
from vidgen.telemetry.logs import log_to_stderr
from vidgen.telemetry.tracing import start_tracing
from vidgen_web.app import create_app
from vidgen_web.intake import MEGABYTE
from vidgen_web.services import EXTENSION, SERVER_THREADS, Services
from vidgen_web.upkeep import start_upkeep

CONNECTION_LIMIT = 1000
CHANNEL_TIMEOUT_SECONDS = 30
BODY_SLACK = 16 * MEGABYTE


def main(settings: Settings) -> None:
    """Serve until stopped. The database must have been migrated.

    Raises ExposedWithoutLogin for a public host and VidgenError for a port that is taken.
    """
    log_to_stderr(settings.log_format, settings.log_level)
    start_tracing("vidgen-web")
    app = create_app(settings)
    services: Services = app.extensions[EXTENSION]
    try:
        server = bound(app, settings)
    except OSError as error:
        place = f"{_shown(settings.host)}:{settings.port}"
        raise VidgenError(
            f"{place} cannot be used ({error.strerror}); set VIDGEN_PORT to a free port", code="address_unavailable"
        ) from error

    def stop(number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001
        services.stopping.set()
        sys.exit(0)

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, stop)
    port = getattr(server, "effective_port", settings.port)
    print(f"vidgen is at http://{_shown(settings.host)}:{port}", flush=True)
    start_upkeep(services)
    try:
        server.run()
    finally:
        services.stopping.set()
        server.close()
        services.engine.dispose()


def bound(app: Flask, settings: Settings) -> BaseWSGIServer | MultiSocketServer:
    """A server that holds its port already. Raises OSError when another program has it."""
    return create_server(
        app,
        host=settings.host,
        port=settings.port,
        threads=SERVER_THREADS,
        connection_limit=CONNECTION_LIMIT,
        channel_timeout=CHANNEL_TIMEOUT_SECONDS,
        # a little above the app's own cap, so that most bodies that are too large get the app's readable answer
        max_request_body_size=settings.max_upload_mb * MEGABYTE + BODY_SLACK,
        # select takes no file numbered above 1023, and so many connections beside those of the database come to that
        asyncore_use_poll=True,
        # reading on while a request runs is how an event stream learns that its client has gone
        channel_request_lookahead=1,
        # who counts as at home is told by these headers, so they must arrive (identity.py); nothing else reads them
        clear_untrusted_proxy_headers=False,
        ident="vidgen",
    )


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host
