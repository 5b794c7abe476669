"""Trace context by the W3C's rules, and spans that exist only when OpenTelemetry's variables ask for them."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from vidgen.telemetry import tracing
from vidgen.telemetry.traceparent import is_valid, new_traceparent, trace_of

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
GIVEN = f"00-{TRACE}-{SPAN}-01"
ONE_SPAN = """
import sys
from vidgen.telemetry.tracing import span, start_tracing
print(start_tracing("a-service"), "opentelemetry" in sys.modules)
with span("submit", "{given}"):
    pass
"""


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracing.use(provider)
    yield exporter
    tracing.use(None)
    provider.shutdown()


@pytest.mark.parametrize(
    "header",
    [None, "", "x", GIVEN.upper(), f"ff-{TRACE}-{SPAN}-01", f"00-{'0' * 32}-{SPAN}-01", f"00-{TRACE}-{'0' * 16}-01",
     GIVEN + "\n", GIVEN + "-x"],
)  # fmt: skip
def test_what_is_no_traceparent_is_not_taken_for_one(header: str | None):
    assert not is_valid(header)
    assert trace_of(header) is None


def test_a_traceparent_is_read_and_made():
    assert trace_of(GIVEN) == TRACE
    assert is_valid(new_traceparent())
    assert new_traceparent() != new_traceparent()


def test_without_a_recorder_the_parent_is_handed_on_and_a_missing_one_is_made():
    with tracing.span("submit", GIVEN) as handed_on:
        assert handed_on == GIVEN
    with tracing.span("submit", "nonsense") as made:
        assert is_valid(made)


def test_a_span_continues_its_parents_trace_and_hands_itself_on(spans: InMemorySpanExporter):
    with tracing.span("submit", GIVEN, job="job_1") as handed_on:
        tracing.past_span("load", handed_on, 10.0, 12.5, {"n": 1})
    load, submit = spans.get_finished_spans()
    assert f"{submit.context.trace_id:032x}" == f"{load.context.trace_id:032x}" == TRACE
    assert f"{submit.parent.span_id:016x}" == SPAN
    assert load.parent.span_id == submit.context.span_id
    assert (load.end_time - load.start_time) / 1e9 == 2.5
    assert submit.attributes == {"job": "job_1"}


def test_a_failed_span_tells_the_kind_of_the_error_and_not_its_text(spans: InMemorySpanExporter):
    with pytest.raises(ValueError, match="canary"), tracing.span("submit", None):
        raise ValueError("canary")
    (failed,) = spans.get_finished_spans()
    assert (failed.status.status_code.name, failed.status.description) == ("ERROR", "ValueError")
    assert "canary" not in failed.to_json()


def run(**variables: str) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")} | variables
    command = [sys.executable, "-c", ONE_SPAN.format(given=GIVEN)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=60)
    return done.stdout + done.stderr


def test_without_its_variables_opentelemetry_is_not_even_imported():
    assert run().split() == ["False", "False"]
    disabled = run(OTEL_TRACES_EXPORTER="console", OTEL_SDK_DISABLED="true")
    assert disabled.split() == ["False", "False"]


def test_an_unknown_exporter_is_said_and_stops_nothing():
    told = run(OTEL_TRACES_EXPORTER="nonsense")
    assert "False" in told
    assert "no such exporter" in told


def test_the_console_exporter_shows_the_span_and_the_service():
    told = run(OTEL_TRACES_EXPORTER="console")
    assert f"0x{TRACE}" in told
    assert '"service.name": "a-service"' in told
    assert '"service.name": "mine"' in run(OTEL_TRACES_EXPORTER="console", OTEL_SERVICE_NAME="mine")


def test_a_collector_gets_the_span_by_its_endpoint_alone():
    bodies: list[tuple[str, bytes]] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Collector) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            run(OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{server.server_port}")
        finally:
            server.shutdown()
            thread.join()
    assert [path for path, _ in bodies] == ["/v1/traces"]
    assert bytes.fromhex(TRACE) in bodies[0][1]
