"""Takes due deliveries out of the outbox and writes down what became of them. Knows the schedule, not the network."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from sqlalchemy import ColumnElement, Engine, Select, case, or_, select
from sqlalchemy.orm import Session
from sqlmodel import col

from vidgen.jobs.database.clock import as_datetime, database_now
from vidgen.jobs.database.session import reading, writing
from vidgen.jobs.database.tables import DeliveryAttemptRow, EndpointRow, JobRow, OutboxRow
from vidgen.jobs.state.tallies import WEBHOOKS, count
from vidgen.jobs.webhooks import health as endpoint_health
from vidgen.jobs.webhooks.body import Linker, webhook_body
from vidgen.jobs.webhooks.endpoints import TEST_EVENT
from vidgen.jobs.webhooks.signing import endpoint_secret

# seconds before each attempt: at once, then 5 s, 5 m, 30 m, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h after the one before
SCHEDULE = (0, 5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)
JITTER = 0.2
# longer than any attempt may take; after it another dispatcher may try (at least once, never lost)
ATTEMPT_SECONDS = 60.0
ROTATION_SECONDS = 86400.0
GONE = 410
NOTHING_IN_HAND: Mapping[str, int] = {}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an attempt: delivered without an `error`; `final`: no further attempt can succeed."""

    status_code: int | None
    error: str | None
    final: bool = False
    retry_after: float | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Parcel:
    """A delivery taken for one attempt. `attempt` fences its outcome; `secrets` are those to sign with.

    `taken_at` is by the database's clock: receivers refuse a timestamp that a worker's own wrong clock has made.
    """

    delivery_id: str
    event_id: str
    job_id: str | None
    attempt: int
    taken_at: float
    url: str
    endpoint_id: str | None
    compose: Callable[[], bytes] = field(repr=False, compare=False)
    secrets: tuple[str, ...] = field(repr=False)
    tenant: str
    traceparent: str | None = None

    @property
    def body(self) -> bytes:
        """Composed when asked for, so that a payload that cannot be told fails its own attempt and not `take`."""
        return self.compose()


class Outbox:
    """One dispatcher's view of the outbox; any number of them may work at once."""

    def __init__(self, engine: Engine, service_secret: str, link: Linker) -> None:
        self._engine = engine
        self._service_secret = service_secret
        self._link = link

    def take(self, in_hand: Mapping[str, int] = NOTHING_IN_HAND, at_most: int | None = None) -> Parcel | None:
        """A due delivery of the tenant with the fewest in hand, the one due longest first; None when there is none.

        `in_hand`: how many deliveries of each tenant the caller works on. One that has `at_most` of them gets no more.
        """
        full = [tenant for tenant, number in in_hand.items() if at_most is not None and number >= at_most]
        with reading(self._engine) as session:
            if session.scalar(_due(database_now(session), in_hand, full)) is None:
                return None
        with writing(self._engine) as session:
            now = database_now(session)
            row = session.scalar(_due(now, in_hand, full).with_for_update(skip_locked=True, of=OutboxRow))
            if row is None:
                return None
            row.attempts, row.next_at = row.attempts + 1, now + ATTEMPT_SECONDS
            session.add(DeliveryAttemptRow(delivery_id=row.id, n=row.attempts, started_at=now))
            endpoint = None if row.endpoint_id is None else session.get(EndpointRow, row.endpoint_id)
            # a corrected address also serves what is still waiting
            row.url = row.url if endpoint is None else endpoint.url
            job = None if row.job_id is None else session.get(JobRow, row.job_id)
            traceparent = None if job is None else job.traceparent
            secrets = (self._service_secret,) if endpoint is None else self._endpoint_secrets(endpoint, now)
        compose = partial(webhook_body, row.event_id, row.kind, as_datetime(row.created_at), row.payload, self._link)
        return Parcel(
            delivery_id=row.id,
            event_id=row.event_id,
            job_id=row.job_id,
            attempt=row.attempts,
            taken_at=now,
            url=row.url,
            endpoint_id=row.endpoint_id,
            compose=compose,
            secrets=secrets,
            tenant=row.tenant,
            traceparent=traceparent,
        )

    def answered(
        self, parcel: Parcel, status: int, retry_after: float | None = None, *, seconds: float | None = None
    ) -> None:
        """Any 2xx delivers; 410 also disables the endpoint; anything else, a redirect too, is a failed attempt."""
        error = None if 200 <= status < 300 else f"answered {status}"
        if status == GONE:
            error = "the receiver says it is gone"
        self._settle(parcel, Outcome(status, error, status == GONE, retry_after, seconds))

    def unanswered(self, parcel: Parcel, error: str, *, final: bool = False, seconds: float | None = None) -> None:
        """The attempt failed without an answer; `final`: no further attempt can succeed."""
        self._settle(parcel, Outcome(None, error, final, seconds=seconds))

    def _settle(self, parcel: Parcel, outcome: Outcome) -> None:
        with writing(self._engine) as session:
            # the endpoint before its delivery: who deletes an endpoint holds them in this order too
            endpoint = _locked(session, parcel.endpoint_id)
            now = database_now(session)
            _log(session, parcel, outcome, now)
            row = _taken(session, parcel)
            if row is None:
                return
            row.last_status_code, row.last_error = outcome.status_code, outcome.error
            if outcome.error is None:
                row.status, row.next_at, row.delivered_at = "delivered", None, now
            else:
                delay = None if outcome.final else next_delay(row.attempts - row.excused, outcome.retry_after)
                row.status, row.next_at = ("failed", None) if delay is None else ("pending", now + delay)
            if endpoint is not None and outcome.error is None:
                endpoint_health.succeeded(endpoint)
            elif endpoint is not None:
                last, gone = row.status == "failed", outcome.status_code == GONE
                endpoint_health.failed(endpoint, now, last=last, gone=gone)
            count(session, WEBHOOKS, _outcome(row))

    def _endpoint_secrets(self, endpoint: EndpointRow, now: float) -> tuple[str, ...]:
        versions = [endpoint.secret_version]
        if endpoint.rotated_at is not None and now - endpoint.rotated_at < ROTATION_SECONDS:
            versions.append(endpoint.secret_version - 1)
        return tuple(endpoint_secret(self._service_secret, endpoint.id, version) for version in versions)


def next_delay(attempts: int, retry_after: float | None = None) -> float | None:
    """Seconds until the next attempt after `attempts` of them, up to 20 % more by chance; None: no more."""
    if attempts >= len(SCHEDULE):
        return None
    return max(SCHEDULE[attempts] * random.uniform(1.0, 1.0 + JITTER), retry_after or 0.0)


def _due(now: float, in_hand: Mapping[str, int], full: Sequence[str]) -> Select[OutboxRow]:
    reachable: ColumnElement[bool] = or_(
        col(OutboxRow.endpoint_id).is_(None), col(EndpointRow.enabled), col(OutboxRow.kind) == TEST_EVENT
    )
    statement = select(OutboxRow).join(EndpointRow, isouter=True).where(col(OutboxRow.status) == "pending", reachable)
    statement = statement.where(col(OutboxRow.next_at) <= now, col(OutboxRow.tenant).not_in(full))
    if in_hand:
        statement = statement.order_by(case(in_hand, value=col(OutboxRow.tenant), else_=0))
    return statement.order_by(col(OutboxRow.next_at)).limit(1)


def _taken(session: Session, parcel: Parcel) -> OutboxRow | None:
    row = session.get(OutboxRow, parcel.delivery_id, with_for_update=True)
    # a dispatcher that slept through its attempt must not overwrite the outcome of a later one
    return row if row is not None and row.status == "pending" and row.attempts == parcel.attempt else None


def _locked(session: Session, endpoint_id: str | None) -> EndpointRow | None:
    return None if endpoint_id is None else session.get(EndpointRow, endpoint_id, with_for_update=True)


def _log(session: Session, parcel: Parcel, outcome: Outcome, now: float) -> None:
    """It happened, even where it no longer decides anything."""
    row = session.get(DeliveryAttemptRow, (parcel.delivery_id, parcel.attempt))
    if row is not None and row.seconds is None:
        row.seconds = now - parcel.taken_at if outcome.seconds is None else outcome.seconds
        row.status_code, row.error = outcome.status_code, outcome.error


def _outcome(row: OutboxRow) -> str:
    """What an attempt came to, for the metrics."""
    return "retried" if row.status == "pending" else row.status
