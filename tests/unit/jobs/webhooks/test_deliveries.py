"""The log of deliveries, sending again, and receivers that are given up."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import delete, select

from tests.jobs_fixtures import queue_job
from vidgen.errors import VidgenError
from vidgen.jobs.database.session import reading, writing
from vidgen.jobs.database.tables import DeliveryAttemptRow, EndpointRow, JobRow, OutboxRow
from vidgen.jobs.service import ControlPlane
from vidgen.jobs.views import Endpoint
from vidgen.jobs.webhooks import health as endpoint_health
from vidgen.jobs.webhooks.outbox import SCHEDULE, Outbox, Parcel

URL = "https://hooks.example/in"
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def outbox(plane: ControlPlane) -> Outbox:
    return Outbox(plane.engine, plane.settings.webhook_secret, lambda artifact_id, _: f"http://x/{artifact_id}")


def cancel_one(plane: ControlPlane) -> None:
    plane.jobs.cancel(queue_job(plane).id)


def make_due(plane: ControlPlane) -> None:
    with writing(plane.engine) as session:
        for row in session.scalars(select(OutboxRow)):
            row.next_at = 0.0


def taken(plane: ControlPlane) -> Parcel:
    make_due(plane)
    parcel = outbox(plane).take()
    assert parcel is not None
    return parcel


def fail_to_the_end(plane: ControlPlane) -> None:
    for _ in SCHEDULE:
        outbox(plane).unanswered(taken(plane), "no answer: ConnectionRefusedError")


def seen(plane: ControlPlane, endpoint: Endpoint) -> Endpoint:
    found = plane.endpoints.get(endpoint.id)
    assert found is not None
    return found


def failing_for(plane: ControlPlane, endpoint: Endpoint, seconds: float) -> None:
    """Move the first failure that far into the past."""
    with writing(plane.engine) as session:
        row = session.get_one(EndpointRow, endpoint.id)
        assert row.failing_since is not None
        row.failing_since -= seconds


def test_every_attempt_is_logged_with_what_became_of_it(plane: ControlPlane) -> None:
    """Fails when an outcome or an attempt that was cut short is not written down: tried."""
    endpoint = plane.endpoints.create(URL)
    cancel_one(plane)
    outbox(plane).answered(taken(plane), 503, 7000.0, seconds=1.5)
    outbox(plane).unanswered(taken(plane), "no answer: TimeoutError", seconds=15.0)
    taken(plane)  # its dispatcher dies
    outbox(plane).answered(taken(plane), 200)
    (delivery,) = plane.deliveries.list(endpoint.id).items
    assert plane.deliveries.get(delivery.id) == delivery
    assert [(it.n, it.status_code, it.error) for it in delivery.log] == [
        (1, 503, "answered 503"),
        (2, None, "no answer: TimeoutError"),
        (3, None, None),
        (4, 200, None),
    ]
    assert [it.seconds for it in delivery.log[:3]] == [1.5, 15.0, None]
    assert delivery.log[3].seconds is not None
    assert [it.started_at for it in delivery.log] == sorted(it.started_at for it in delivery.log)
    plane.endpoints.delete(endpoint.id)
    with reading(plane.engine) as session:
        assert session.scalars(select(DeliveryAttemptRow)).all() == []


def test_an_attempt_from_before_a_resend_decides_nothing(plane: ControlPlane) -> None:
    """Fails when a resend counts the attempts from 0 again: tried."""
    plane.endpoints.create(URL)
    cancel_one(plane)
    old = taken(plane)
    make_due(plane)
    plane.deliveries.resend(old.delivery_id)
    new = taken(plane)
    assert new.attempt == 2
    outbox(plane).unanswered(old, "a zombie", final=True)
    (delivery,) = plane.deliveries.list().items
    assert (delivery.status, delivery.log[0].error, delivery.last_error) == ("pending", "a zombie", None)
    outbox(plane).answered(new, 200)
    assert plane.deliveries.list().items[0].status == "delivered"


def test_a_resend_has_the_whole_schedule_before_it(plane: ControlPlane) -> None:
    plane.endpoints.create(URL)
    cancel_one(plane)
    fail_to_the_end(plane)
    (dead,) = plane.deliveries.list(status="failed").items
    assert (dead.attempts, dead.next_at) == (len(SCHEDULE), None)
    plane.deliveries.resend(dead.id)
    outbox(plane).answered(taken(plane), 500)
    (again,) = plane.deliveries.list().items
    assert again.next_at is not None
    assert again.next_at - datetime.now(UTC) < timedelta(seconds=30)
    for _ in SCHEDULE[1:]:
        outbox(plane).answered(taken(plane), 500)
    assert len(plane.deliveries.list(status="failed").items[0].log) == 2 * len(SCHEDULE)


def test_recovery_sends_again_what_failed_since_a_time(plane: ControlPlane) -> None:
    """Fails when the time, the endpoint or the status is left out of the statement: tried."""
    endpoint = plane.endpoints.create(URL)
    for _ in range(3):
        cancel_one(plane)
        outbox(plane).unanswered(taken(plane), "refused", final=True)
    cancel_one(plane)
    outbox(plane).answered(taken(plane), 200)
    other = plane.endpoints.create(URL)
    plane.endpoints.test(other.id)
    outbox(plane).unanswered(taken(plane), "refused", final=True)
    delivered, *failed = plane.deliveries.list(endpoint.id).items
    since = failed[1].created_at
    assert plane.deliveries.recover(endpoint.id, datetime.now(UTC) + timedelta(hours=1)) == 0
    assert plane.deliveries.recover(endpoint.id, since) == 2
    assert plane.deliveries.recover(endpoint.id, since) == 0
    waiting = plane.deliveries.list(endpoint.id, status="pending").items
    assert [it.id for it in waiting] == [it.id for it in failed[:2]]
    assert [it.event_id for it in waiting] == [it.event_id for it in failed[:2]]
    assert plane.deliveries.get(delivered.id) == delivered
    assert len(plane.deliveries.list(other.id, status="failed").items) == 1


def test_a_receiver_that_fails_for_days_is_given_up(plane: ControlPlane) -> None:
    """Fails when a success or the number of days is not looked at: tried."""
    endpoint = plane.endpoints.create(URL)
    cancel_one(plane)
    fail_to_the_end(plane)
    assert seen(plane, endpoint).enabled
    failing_for(plane, endpoint, endpoint_health.FAILING_SECONDS)
    cancel_one(plane)
    outbox(plane).answered(taken(plane), 500)
    assert seen(plane, endpoint).enabled, "one failure after a quiet week says little"
    for _ in SCHEDULE[1:]:
        outbox(plane).answered(taken(plane), 500)
    found = seen(plane, endpoint)
    assert (found.enabled, found.disabled_reason) == (False, "failing")
    assert found.disabled_at is not None
    enabled = plane.endpoints.update(endpoint.id, enabled=True)
    assert (enabled.enabled, enabled.disabled_reason, enabled.disabled_at, enabled.failing_since) == (True, *[None] * 3)


def test_one_answer_clears_the_failures(plane: ControlPlane) -> None:
    endpoint = plane.endpoints.create(URL)
    cancel_one(plane)
    outbox(plane).answered(taken(plane), 500)
    failing_for(plane, endpoint, endpoint_health.FAILING_SECONDS)
    outbox(plane).answered(taken(plane), 204)
    assert seen(plane, endpoint).failing_since is None
    cancel_one(plane)
    fail_to_the_end(plane)
    assert seen(plane, endpoint).enabled


def test_why_a_receiver_gets_nothing_is_told(plane: ControlPlane) -> None:
    gone, asked = plane.endpoints.create(URL), plane.endpoints.create(URL)
    plane.endpoints.update(asked.id, enabled=False)
    cancel_one(plane)
    outbox(plane).answered(taken(plane), 410)
    assert seen(plane, gone).disabled_reason == "gone"
    assert seen(plane, asked).disabled_reason == "asked"
    plane.endpoints.update(gone.id, enabled=False)
    assert seen(plane, gone).disabled_reason == "gone"


def test_the_list_goes_on_where_it_ended(plane: ControlPlane) -> None:
    endpoints = [plane.endpoints.create(URL).id for _ in range(3)]
    made = [plane.endpoints.test(endpoints[0]).id for _ in range(5)]
    first = plane.deliveries.list(limit=3)
    rest = plane.deliveries.list(limit=3, cursor=first.next_cursor)
    assert [it.id for it in (*first.items, *rest.items)] == made[::-1]
    assert rest.next_cursor is None
    some = plane.endpoints.list(limit=2)
    last = plane.endpoints.list(limit=2, cursor=some.next_cursor)
    assert [it.id for it in (*some.items, *last.items)] == endpoints
    for call in (plane.deliveries.list, plane.endpoints.list):
        with pytest.raises(VidgenError) as caught:
            call(cursor="x")
        assert caught.value.code == "invalid_cursor"


def test_old_deliveries_are_forgotten_and_waiting_ones_kept(plane: ControlPlane) -> None:
    """Fails when the status is left out of the statement: tried."""
    first, second = plane.endpoints.create(URL), plane.endpoints.create(URL)
    done = plane.endpoints.test(first.id)
    outbox(plane).answered(taken(plane), 200)
    waiting, stuck = plane.endpoints.test(first.id), plane.endpoints.test(second.id)
    plane.endpoints.update(second.id, enabled=False)
    assert plane.deliveries.prune(3600.0) == 0
    assert plane.deliveries.prune(-3600.0) == 2
    assert [it.id for it in plane.deliveries.list().items] == [waiting.id]
    assert plane.deliveries.get(done.id) is plane.deliveries.get(stuck.id) is None


def test_a_delivery_outlives_its_job(plane: ControlPlane) -> None:
    plane.endpoints.create(URL)
    cancel_one(plane)
    with writing(plane.engine) as session:
        session.execute(delete(JobRow))
    assert b"job.cancelled" in taken(plane).body


def test_the_time_of_an_attempt_is_the_databases(plane: ControlPlane, monkeypatch: pytest.MonkeyPatch) -> None:
    plane.endpoints.create(URL)
    cancel_one(plane)
    before = datetime.now(UTC).timestamp()
    monkeypatch.setattr("time.time", lambda: 0.0)
    parcel = taken(plane)
    assert before - 1 < parcel.taken_at < before + 60
