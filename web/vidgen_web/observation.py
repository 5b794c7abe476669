"""What operators see of a request: its id and trace, one log line, and the span of a submission.

`X-Request-Id` is taken from the client where it is a plain word, else made, and is part of every answer.
"""

import logging
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager

from flask import Flask, Response, g, has_request_context, request

from vidgen.jobs.settings import Settings
from vidgen.jobs.views import Created
from vidgen.telemetry import context
from vidgen.telemetry.traceparent import is_valid, new_traceparent, trace_of
from vidgen.telemetry.tracing import span

log = logging.getLogger(__name__)

HEADER = "X-Request-Id"
PLAIN_WORD = re.compile(r"[A-Za-z0-9._-]{1,64}")
# asked many times a minute by machines and browsers; they are logged at DEBUG
QUIET_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def observe(app: Flask) -> None:
    """Must come before everything that may refuse a request, so that refusals have an id too."""

    @app.before_request
    def begin() -> None:
        given, traceparent = request.headers.get(HEADER, ""), request.headers.get("traceparent")
        g.began = time.monotonic()
        g.request_id = given if PLAIN_WORD.fullmatch(given) else f"req_{secrets.token_urlsafe(12)}"
        g.traceparent = traceparent if is_valid(traceparent) else new_traceparent()
        context.start_anew(
            request=g.request_id, trace=trace_of(g.traceparent), job=(request.view_args or {}).get("job_id")
        )

    @app.after_request
    def end(response: Response) -> Response:
        response.headers[HEADER] = g.request_id
        quiet = request.method in QUIET_METHODS and response.status_code < 500
        # the route's pattern and not the path: what a client makes up never becomes a log line
        route = None if request.url_rule is None else request.url_rule.rule
        seconds = round(time.monotonic() - g.began, 4)
        log.log(
            logging.DEBUG if quiet else logging.INFO,
            "answered",
            extra={"method": request.method, "route": route, "status": response.status_code, "seconds": seconds},
        )
        return response


@contextmanager
def submitting() -> Iterator[str]:
    """The span of a submission within its request's trace; yields the traceparent that the job's row keeps."""
    with span("submit", g.traceparent if has_request_context() else None) as traceparent:
        context.add(trace=trace_of(traceparent))
        yield traceparent


def queued(created: Created, settings: Settings) -> None:
    """Log a submission; its prompt only where the operator wants prompts in logs."""
    spec = created.job.spec
    context.add(job=created.job.id)
    prompt = spec.prompt if settings.log_prompts else None
    log.info("replayed" if created.replayed else "queued", extra={"model": spec.model, "prompt": prompt})
