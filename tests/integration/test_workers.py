"""A real worker process from the queue to the webhook, and its orderly end."""

import json
import signal
import socket
import time
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from standardwebhooks import Webhook

from tests.faults.worker_process import children, wait_for_job, wait_until, worker
from tests.jobs_fixtures import control_plane, queue_job
from tests.receiver import receiver
from vidgen.jobs.files.urls import check

pytestmark = pytest.mark.integration


def test_a_job_is_made_and_announced(tmp_path: Path) -> None:
    with control_plane(tmp_path) as plane, receiver() as to, worker(plane):
        endpoint = plane.endpoints.create(to.url)
        job = wait_for_job(plane, queue_job(plane, "quick", callback_url=to.url).id, "succeeded")
        wait_until(lambda: len(to.received) == 2, what="two webhooks")
        wait_until(lambda: {d.status for d in plane.deliveries.list().items} == {"delivered"})
        wait_until(lambda: [it.job_id for it in plane.presence.alive(within_seconds=30)] == [None], what="an idle beat")
        assert endpoint.secret is not None
        good = []
        for secret in (endpoint.secret, plane.settings.webhook_secret):
            for got in to.received:
                try:
                    good.append(Webhook(secret).verify(got.body, dict(got.headers)))
                except Exception:
                    continue
        assert len(good) == 2
        assert good[0] == good[1]
        artifact = good[0]["data"]["artifacts"][0]
        query = parse_qs(urlsplit(artifact["url"]).query)
        assert artifact["id"] == job.artifacts[0].id
        assert check(plane.settings.secret_key, artifact["id"], query)
        log = (tmp_path / "worker.log").read_text()
        for secret in (
            endpoint.secret,
            plane.settings.webhook_secret,
            plane.settings.secret_key,
            query["signature"][0],
        ):
            assert secret not in log
        lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
        assert {"claimed", "ended"} <= {line["event"] for line in lines if line.get("job") == job.id}


def test_a_term_hands_the_job_back_and_ends_at_once(tmp_path: Path) -> None:
    with control_plane(tmp_path) as plane, worker(plane) as process:
        job_id = queue_job(plane, "slow 60").id
        wait_for_job(plane, job_id, "running")
        wait_until(lambda: len(children(process)) == 1)
        started = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(40) == 0
        assert time.monotonic() - started < 30, "the render takes twice as long"
        job = wait_for_job(plane, job_id, "queued", seconds=1)
        assert job.queue_position == 1
        assert plane.presence.alive(within_seconds=30) == ()


def test_a_cancel_reaches_a_running_job(tmp_path: Path) -> None:
    with control_plane(tmp_path) as plane, worker(plane):
        job_id = queue_job(plane, "slow 60").id
        wait_until(lambda: any(event.kind == "job.progress" for event in plane.jobs.events(0, job_id)))
        plane.jobs.cancel(job_id)
        assert wait_for_job(plane, job_id, "cancelled", seconds=5).artifacts == ()


def test_a_dead_broker_stops_nothing(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        broker_url = f"amqp://127.0.0.1:{closed.getsockname()[1]}//"
    with control_plane(tmp_path, broker_url=broker_url) as plane, worker(plane) as process:
        wait_for_job(plane, queue_job(plane, "quick").id, "succeeded")
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
