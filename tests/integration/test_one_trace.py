"""From the request through the worker and its runner to the webhook: one trace, and log lines that name it."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tests.faults.worker_process import RENDER, runner_environment
from tests.jobs_fixtures import control_plane
from vidgen.jobs.webhooks.outbox import Outbox
from vidgen.jobs.webhooks.sender import Answer
from vidgen.telemetry import tracing
from vidgen.telemetry.logs import JsonLines
from vidgen_web import create_app
from vidgen_web.services import EXTENSION
from vidgen_workers.dispatcher import Dispatcher
from vidgen_workers.runner_process import RunnerProcess
from vidgen_workers.supervisor import Supervisor

pytestmark = pytest.mark.integration

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
UNDER = {"claim": "attempt", "load": "attempt", "denoise": "attempt", "publish": "attempt", "attempt": "submit"}


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracing.use(provider)
    yield exporter
    tracing.use(None)
    provider.shutdown()


def test_web_worker_and_webhook_are_one_trace(
    tmp_path: Path,
    spans: InMemorySpanExporter,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Fails when the row forgets its traceparent (`traceparent=None` in `_queue`): tried."""
    monkeypatch.setenv("PYTHONPATH", runner_environment())
    caplog.set_level(logging.INFO)
    caplog.handler.setFormatter(JsonLines())
    with control_plane(tmp_path) as plane:
        app = create_app(plane.settings)
        runner = RunnerProcess(RENDER, log_format="json")
        try:
            body = {"prompt": "traced", "callback_url": "http://127.0.0.1:9/hook"}
            headers = {"traceparent": f"00-{TRACE}-{SPAN}-01"}
            job = app.test_client().post("/api/v1/jobs", json=body, headers=headers).get_json()["id"]
            assert Supervisor(plane, runner, "w").run_next()
        finally:
            runner.stop()
            app.extensions[EXTENSION].engine.dispose()
        outbox = Outbox(plane.engine, plane.settings.webhook_secret, lambda *_: "http://x/")
        assert Dispatcher(outbox, send=lambda *_, **__: Answer(200, None)).deliver_one()
    told = {span.name: span for span in spans.get_finished_spans()}
    assert {*UNDER, "submit", "webhook"} <= told.keys()
    assert {f"{span.context.trace_id:032x}" for span in told.values()} == {TRACE}
    assert f"{told['submit'].parent.span_id:016x}" == SPAN
    for child, parent in (UNDER | {"webhook": "submit"}).items():
        assert told[child].parent.span_id == told[parent].context.span_id, child
    assert told["attempt"].attributes == {"job": job, "attempt": 1}
    for event in ("queued", "claimed", "ended", "webhook answered"):
        line = next(json.loads(line) for line in caplog.text.splitlines() if f'"event": "{event}"' in line)
        assert (line["trace"], line["job"]) == (TRACE, job), event
    rendering = next(json.loads(line) for line in capfd.readouterr().err.splitlines() if "rendering" in line)
    assert (rendering["trace"], rendering["job"], rendering["attempt"], rendering["tenant"]) == (TRACE, job, 1, "local")
