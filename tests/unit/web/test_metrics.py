"""/metrics and /readyz over HTTP."""

import pytest
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text

from tests.simulated_worker import SimulatedWorker
from vidgen.jobs.service import ControlPlane
from vidgen.jobs.settings import Settings
from vidgen.spec import Stage
from vidgen_web import create_app
from vidgen_web.services import EXTENSION

JOBS = "/api/v1/jobs"


def samples(client: FlaskClient) -> dict[tuple[str, ...], float]:
    """Every sample, by its name and the values of its labels in the order of their names."""
    answer = client.get("/metrics")
    assert answer.status_code == 200
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def test_the_figures_are_those_of_the_database_whichever_process_answers(
    client: FlaskClient, settings: Settings, worker: SimulatedWorker, plane: ControlPlane
) -> None:
    for _ in range(3):
        client.post(JOBS, json={"prompt": "a cat"})
    worker.run()
    plane.jobs.fail(worker.claim(), "invalid_media", "no", False)
    plane.presence.beat("w", None)
    plane.stage_times.add({Stage.DENOISING: 2.5})
    found = samples(client)
    assert found["vidgen_jobs", "queued"] == 1
    assert found["vidgen_jobs", "succeeded"] == 1
    assert found["vidgen_jobs_submitted_total",] == 3
    assert found["vidgen_jobs_finished_total", "", "succeeded"] == 1
    assert found["vidgen_jobs_finished_total", "invalid_media", "failed"] == 1
    assert found["vidgen_jobs_finished_total", "", "cancelled"] == 0
    assert found["vidgen_claim_seconds_bucket", "+Inf"] == found["vidgen_claim_seconds_count",] == 2
    assert found["vidgen_run_seconds_count", "text-to-video"] == 1
    assert found["vidgen_stage_seconds_sum", "denoising"] == 2.5
    assert found["vidgen_workers", "idle"] == 1
    assert found["vidgen_leases_lost_total",] == 0
    assert found["vidgen_disk_bytes", "free"] > 0
    assert found["vidgen_stored_bytes", "artifacts"] > 0
    another = create_app(settings)
    moving = ("vidgen_disk_bytes", "vidgen_queue_oldest_seconds")
    still = {name: value for name, value in found.items() if name[0] not in moving}
    assert still == {name: value for name, value in samples(another.test_client()).items() if name[0] not in moving}
    another.extensions[EXTENSION].engine.dispose()


def test_a_job_that_was_given_back_has_not_waited_before(
    client: FlaskClient, worker: SimulatedWorker, plane: ControlPlane
) -> None:
    """Fails when waiting counts from `run_after` alone: tried."""
    client.post(JOBS, json={"prompt": "a cat"})
    with plane.engine.begin() as connection:
        connection.execute(text("UPDATE jobs SET run_after = run_after - 1000"))
    assert samples(client)["vidgen_queue_oldest_seconds",] >= 1000
    plane.jobs.release(worker.claim())
    assert samples(client)["vidgen_queue_oldest_seconds",] < 500
    client.post(JOBS, json={"prompt": "another"})
    with plane.engine.begin() as connection:
        connection.execute(text("UPDATE jobs SET run_after = run_after - 700 WHERE attempt = 0"))
    assert samples(client)["vidgen_queue_oldest_seconds",] >= 700


def test_webhook_attempts_are_counted(client: FlaskClient, plane: ControlPlane, worker: SimulatedWorker) -> None:
    from vidgen.jobs.webhooks.outbox import Outbox
    from vidgen.jobs.webhooks.sender import Answer
    from vidgen_workers.dispatcher import Dispatcher

    body = {"prompt": "a cat", "callback_url": "https://example.com/hook"}
    client.post(JOBS, json=body)
    client.post(JOBS, json=body)
    worker.run()
    worker.run()
    answers = iter([Answer(200, None), Answer(500, None)])
    outbox = Outbox(plane.engine, plane.settings.webhook_secret, lambda *_: "http://x/")
    dispatcher = Dispatcher(outbox, send=lambda *_, **__: next(answers))
    assert [dispatcher.deliver_one() for _ in range(2)] == [True, True]
    found = samples(client)
    assert found["vidgen_webhook_attempts_total", "delivered"] == 1
    assert found["vidgen_webhook_attempts_total", "retried"] == 1
    assert found["vidgen_webhooks", "pending"] == 1


def test_openmetrics_is_spoken_to_who_asks_for_it(client: FlaskClient) -> None:
    answer = client.get("/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})
    assert answer.content_type.startswith("application/openmetrics-text")
    assert answer.text.endswith("# EOF\n")


@pytest.mark.parametrize("header", ["Forwarded", "X-Forwarded-For", "Via"])
def test_metrics_are_not_told_through_a_proxy(client: FlaskClient, header: str) -> None:
    answer = client.get("/metrics", headers={header: "203.0.113.7"})
    assert answer.status_code == 403
    assert "vidgen_jobs" not in answer.text


def test_ready_without_workers_is_degraded_and_says_so(client: FlaskClient, plane: ControlPlane) -> None:
    answer = client.get("/readyz")
    assert (answer.status_code, answer.get_json()["status"]) == (200, "degraded")
    assert "none was seen" in answer.get_json()["checks"]["workers"]
    plane.presence.beat("w", None)
    assert client.get("/readyz").get_json()["status"] == "ok"


def test_not_ready_names_the_reason(client: FlaskClient, plane: ControlPlane) -> None:
    with plane.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'r0000'"))
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.get_json()["code"] == "not_ready"
    assert "r0000" in answer.get_json()["detail"]
    assert answer.headers["Retry-After"]
    assert client.get("/healthz").status_code == 200
