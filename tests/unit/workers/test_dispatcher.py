import json
import logging
import socket
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select
from standardwebhooks import Webhook

from tests.faults.worker_process import wait_until
from tests.jobs_fixtures import make_spec, queue_job
from tests.receiver import receiver
from vidgen.jobs.database.session import writing
from vidgen.jobs.database.tables import OutboxRow
from vidgen.jobs.service import ControlPlane
from vidgen.jobs.webhooks import outbox
from vidgen.jobs.webhooks.outbox import Outbox
from vidgen.jobs.webhooks.sender import Answer
from vidgen_workers.dispatcher import Dispatcher


def dispatcher(plane: ControlPlane, *allow: str) -> Dispatcher:
    box = Outbox(plane.engine, plane.settings.webhook_secret, lambda artifact_id, _: f"http://x/{artifact_id}")
    return Dispatcher(box, allow or plane.settings.webhook_allow_private)


def cancel_one(plane: ControlPlane, callback_url: str | None = None) -> str:
    return plane.jobs.cancel(queue_job(plane, callback_url=callback_url).id).id


def make_due(plane: ControlPlane) -> None:
    with writing(plane.engine) as session:
        for row in session.scalars(select(OutboxRow)):
            row.next_at = 0.0


def test_five_hundred_then_two_hundred_delivers_with_the_same_id_and_body(plane: ControlPlane) -> None:
    with receiver(500, 200) as to:
        endpoint = plane.endpoints.create(to.url)
        job_id = cancel_one(plane)
        assert dispatcher(plane).deliver_one()
        assert not dispatcher(plane).deliver_one()  # not due again yet
        (failed,) = plane.deliveries.list().items
        assert (failed.status, failed.last_error, failed.attempts) == ("pending", "answered 500", 1)
        make_due(plane)
        assert dispatcher(plane).deliver_one()
    (done,) = plane.deliveries.list().items
    assert (done.status, done.attempts) == ("delivered", 2)
    first, second = to.received
    assert first.headers["webhook-id"] == second.headers["webhook-id"] == done.event_id
    assert first.body == second.body
    assert endpoint.secret is not None
    body = Webhook(endpoint.secret).verify(second.body, dict(second.headers))
    assert (body["type"], body["data"]["id"]) == ("job.cancelled", job_id)
    assert json.loads(second.body) == body


def test_a_callback_is_signed_with_the_services_own_secret(plane: ControlPlane) -> None:
    with receiver() as to:
        cancel_one(plane, callback_url=to.url)
        assert dispatcher(plane).deliver_one()
    (got,) = to.received
    Webhook(plane.settings.webhook_secret).verify(got.body, dict(got.headers))


def test_a_private_receiver_is_refused_for_good(plane: ControlPlane) -> None:
    with receiver() as to:
        cancel_one(plane, callback_url=to.url)
        assert dispatcher(plane, "10.0.0.0/8").deliver_one()
    assert to.received == []
    (delivery,) = plane.deliveries.list().items
    assert (delivery.status, delivery.next_at) == ("failed", None)


def test_a_dead_receiver_is_tried_again(plane: ControlPlane, caplog: pytest.LogCaptureFixture) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    url = f"http://127.0.0.1:{port}/hook?token=canary"
    cancel_one(plane, callback_url=url)
    with caplog.at_level(logging.DEBUG):
        assert dispatcher(plane).deliver_one()
    (delivery,) = plane.deliveries.list().items
    assert (delivery.status, delivery.attempts) == ("pending", 1)
    assert "canary" not in caplog.text + str(delivery.last_error)


def test_what_nobody_foresaw_is_a_failed_attempt(plane: ControlPlane, caplog: pytest.LogCaptureFixture) -> None:
    def send(url: str, *_: object, **__: object) -> Answer:
        raise OverflowError(url)

    cancel_one(plane, callback_url="https://hooks.example/?token=canary")
    box = Outbox(plane.engine, plane.settings.webhook_secret, lambda artifact_id, _: artifact_id)
    with caplog.at_level(logging.DEBUG):
        assert Dispatcher(box, send=send).deliver_one()
    (delivery,) = plane.deliveries.list().items
    assert (delivery.status, delivery.attempts) == ("pending", 1)
    assert delivery.last_error == "failed unexpectedly (OverflowError)"
    assert "OverflowError" in caplog.text
    assert "canary" not in caplog.text


def test_a_body_that_cannot_be_written_is_a_failed_attempt(
    plane: ControlPlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unwritable(*_: object) -> bytes:
        raise KeyError("expires_at")

    monkeypatch.setattr(outbox, "webhook_body", unwritable)
    cancel_one(plane, callback_url="https://hooks.example/")
    assert dispatcher(plane).deliver_one()
    (delivery,) = plane.deliveries.list().items
    assert (delivery.status, delivery.last_error) == ("pending", "failed unexpectedly (KeyError)")


def test_two_dispatchers_send_each_delivery_once(plane: ControlPlane) -> None:
    with receiver() as to:
        made = {cancel_one(plane, callback_url=to.url) for _ in range(10)}
        barrier = threading.Barrier(3)

        def work(_: int) -> int:
            mine, count = dispatcher(plane), 0
            barrier.wait()
            while mine.deliver_one():
                count += 1
            return count

        with ThreadPoolExecutor(3) as pool:
            assert sum(pool.map(work, range(3))) == 10
    assert sorted(json.loads(got.body)["data"]["id"] for got in to.received) == sorted(made)


DISPATCHERS, OF_ONE_TENANT = 3, 2


def announce_end(plane: ControlPlane, tenant: str, callback_url: str) -> None:
    mine = plane.jobs.of(tenant)
    mine.cancel(mine.create(make_spec(), model_revision="1", max_queued=99, callback_url=callback_url).job.id)


def test_a_tenant_whose_receivers_hang_delays_nobody_else(plane: ControlPlane) -> None:
    """Fails when a tenant may have every dispatcher: tried."""
    hang, sent = threading.Event(), Counter[str]()
    url = {name: f"https://{name}.example/hook" for name in ("anna", "bert")}
    for _ in range(DISPATCHERS + 1):
        announce_end(plane, "anna", url["anna"])

    def send(to: str, *_: object, **__: object) -> Answer:
        sent[to] += 1
        if to == url["anna"]:
            assert hang.wait(30)
        return Answer(200, None)

    box = Outbox(plane.engine, plane.settings.webhook_secret, lambda artifact_id, _: artifact_id)
    shared = Dispatcher(box, send=send, at_most=OF_ONE_TENANT)
    with ThreadPoolExecutor(OF_ONE_TENANT) as pool:
        try:
            waiting = [pool.submit(shared.deliver_one) for _ in range(OF_ONE_TENANT)]
            wait_until(lambda: sent[url["anna"]] == OF_ONE_TENANT, 15, "the hanging receivers")
            assert not shared.deliver_one(), "the dispatcher that is left is not for the same tenant"
            announce_end(plane, "bert", url["bert"])
            assert shared.deliver_one()
            assert sent[url["bert"]] == 1
        finally:
            hang.set()
        assert all(one.result() for one in waiting)
    assert shared.deliver_one(), "what was held back goes on"


def test_the_tenant_with_the_fewest_in_hand_is_next(plane: ControlPlane) -> None:
    """Fails when the one due longest is taken, whoever it belongs to: tried."""
    for name in ("anna", "anna", "bert"):
        announce_end(plane, name, f"https://{name}.example/")
    box = Outbox(plane.engine, plane.settings.webhook_secret, lambda artifact_id, _: artifact_id)
    parcel = box.take({"anna": 1})
    assert parcel is not None
    assert parcel.tenant == "bert"
