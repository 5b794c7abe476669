"""Spans through OpenTelemetry, where the operator has set it up; otherwise each call here does next to nothing.

The exporter and its address come from OpenTelemetry's own OTEL_* variables, which the SDK (`vidgen[telemetry]`) reads.
"""

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import entry_points
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from vidgen.telemetry.traceparent import is_valid, new_traceparent

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.trace import Tracer, TracerProvider

log = logging.getLogger(__name__)

EXPORTERS = {"otlp": "otlp_proto_http", "console": "console"}
ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
Attributes = Mapping[str, str | int | float | bool]

_tracer: "Tracer | None" = None


def start_tracing(service: str) -> bool:
    """Record spans from now on if OTEL_* asks for it; says whether. `service` names the process in the traces."""
    name = _wanted_exporter()
    if name is None:
        return False
    if find_spec("opentelemetry.sdk") is None:
        log.warning("OTEL_* asks for traces, but the SDK is missing: pip install 'vidgen[telemetry]'")
        return False
    found = [point for point in entry_points(group="opentelemetry_traces_exporter") if point.name == name]
    if not found:
        log.warning("OTEL_TRACES_EXPORTER: no such exporter is installed; known are otlp and console")
        return False
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    named = {} if "OTEL_SERVICE_NAME" in os.environ else {"service.name": service}
    provider = TracerProvider(resource=Resource.create(named))
    provider.add_span_processor(BatchSpanProcessor(found[0].load()()))
    use(provider)
    return True


def use(provider: "TracerProvider | None") -> None:
    """Record spans with this provider; None: no longer."""
    global _tracer
    _tracer = None if provider is None else provider.get_tracer("vidgen")


@contextmanager
def span(name: str, parent: str | None, **attributes: str | int | float | bool) -> Iterator[str]:
    """A span around the block. Yields the traceparent to hand on: its own, or the parent's when nothing records.

    An absent or malformed `parent` starts a new trace.
    """
    if _tracer is None:
        yield parent if parent is not None and is_valid(parent) else new_traceparent()
        return
    from opentelemetry.trace import StatusCode

    # the texts of exceptions stay out of traces: nobody has masked what they quote
    current = _tracer.start_span(name, context=_context(parent), attributes=attributes)
    try:
        yield _traceparent(current)
    except BaseException as error:
        current.set_status(StatusCode.ERROR, type(error).__name__)
        raise
    finally:
        current.end()


def past_span(name: str, parent: str | None, started: float, ended: float, attributes: Attributes) -> None:
    """A span of something that is over and was timed elsewhere; times in seconds since 1970."""
    if _tracer is not None:
        begun = int(started * 1e9)
        made = _tracer.start_span(name, context=_context(parent), attributes=dict(attributes), start_time=begun)
        made.end(end_time=int(ended * 1e9))


def _wanted_exporter() -> str | None:
    """The entry point's name, or None. OpenTelemetry's variables are not settings of vidgen, so they are read here."""
    if os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return None
    asked = os.environ.get("OTEL_TRACES_EXPORTER", "otlp" if any(map(os.environ.get, ENDPOINTS)) else "none")
    return None if asked == "none" else EXPORTERS.get(asked, asked)


def _context(parent: str | None) -> "Context":
    from opentelemetry.context import Context
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    # an empty context to begin with, not the thread's: a job belongs to its request's trace and to no other
    return TraceContextTextMapPropagator().extract({"traceparent": parent or ""}, context=Context())


def _traceparent(current: Any) -> str:
    context = current.get_span_context()
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{int(context.trace_flags):02x}"
