"""Registered receivers and the deliveries on their way to them. Writes rows; outbox.py and sender.py send."""

from collections.abc import Sequence
from urllib.parse import urlsplit

from sqlalchemy import Engine, Select, select
from sqlalchemy.orm import Session
from sqlmodel import col

from vidgen.errors import VidgenError
from vidgen.jobs.addresses import check_url
from vidgen.jobs.clock import as_datetime, as_optional_datetime, database_now
from vidgen.jobs.history import VIDEO_EVENTS
from vidgen.jobs.ids import new_id
from vidgen.jobs.session import reading, writing
from vidgen.jobs.signing import endpoint_secret, sign
from vidgen.jobs.tables import EndpointRow, OutboxRow
from vidgen.jobs.tenancy import Tenanted
from vidgen.jobs.views import Delivery, DeliveryStatus, Endpoint

__all__ = ["ALL_EVENTS", "EVENTS", "TEST_EVENT", "EndpointRepository", "sign"]

EVENTS = ("job.succeeded", "job.failed", "job.cancelled")
"""What a new endpoint hears of, unless it asks otherwise."""
ALL_EVENTS = (*EVENTS, *sorted(set(VIDEO_EVENTS.values())))
TEST_EVENT = "webhook.test"
DELIVERY_STATUSES: dict[str, DeliveryStatus] = {"pending": "pending", "delivered": "delivered", "failed": "failed"}


class EndpointRepository(Tenanted):
    """Endpoints and deliveries, of one tenant or of all. Unknown ids raise not_found.

    `service_secret` is Settings.webhook_secret, `allow` its webhook_allow_private.
    """

    def __init__(self, engine: Engine, service_secret: str, allow: Sequence[str] = ()) -> None:
        self._engine = engine
        self._service_secret = service_secret
        self._allow = allow

    def create(self, url: str, description: str = "", events: Sequence[str] = EVENTS) -> Endpoint:
        """The answer holds the secret, this once. Raises AddressRefused, or VidgenError invalid_events."""
        check_url(url, self._allow)
        with writing(self._engine) as session:
            row = EndpointRow(
                id=new_id("we"),
                tenant=self._owner,
                url=url,
                description=description,
                events=_checked(events),
                created_at=database_now(session),
            )
            session.add(row)
            self._audit(session, "webhook.created", row.id, host=_host(url))
        return self._view(row, with_secret=True)

    def list(self) -> tuple[Endpoint, ...]:
        """Oldest first."""
        with reading(self._engine) as session:
            own = select(EndpointRow).where(self._visible(col(EndpointRow.tenant)))
            rows = session.scalars(own.order_by(col(EndpointRow.created_at), col(EndpointRow.id)))
            return tuple(self._view(row) for row in rows)

    def get(self, endpoint_id: str) -> Endpoint | None:
        with reading(self._engine) as session:
            row = session.scalar(self._one(endpoint_id))
            return None if row is None else self._view(row)

    def update(
        self,
        endpoint_id: str,
        *,
        url: str | None = None,
        description: str | None = None,
        events: Sequence[str] | None = None,
        enabled: bool | None = None,
    ) -> Endpoint:
        """Change what is given, leave the rest."""
        if url is not None:
            check_url(url, self._allow)
        with writing(self._engine) as session:
            row = self._existing(session, endpoint_id)
            row.url = row.url if url is None else url
            row.description = row.description if description is None else description
            row.events = row.events if events is None else _checked(events)
            row.enabled = row.enabled if enabled is None else enabled
            self._audit(session, "webhook.changed", row.id, host=_host(row.url))
        return self._view(row)

    def delete(self, endpoint_id: str) -> None:
        """Its deliveries go with it."""
        with writing(self._engine) as session:
            row = self._existing(session, endpoint_id)
            session.delete(row)
            self._audit(session, "webhook.deleted", row.id, host=_host(row.url))

    def rotate_secret(self, endpoint_id: str) -> Endpoint:
        """A new secret, shown this once; for a day deliveries carry signatures of both."""
        with writing(self._engine) as session:
            row = self._existing(session, endpoint_id)
            row.secret_version, row.rotated_at = row.secret_version + 1, database_now(session)
            self._audit(session, "webhook.secret_rotated", row.id)
        return self._view(row, with_secret=True)

    def deliveries(self, endpoint_id: str | None = None, limit: int = 50) -> tuple[Delivery, ...]:
        """Of one endpoint, or of all and of the per-job callbacks too; newest first."""
        statement = select(OutboxRow).where(self._visible(col(OutboxRow.tenant)))
        statement = statement.order_by(col(OutboxRow.created_at).desc(), col(OutboxRow.id)).limit(limit)
        if endpoint_id is not None:
            statement = statement.where(col(OutboxRow.endpoint_id) == endpoint_id)
        with reading(self._engine) as session:
            return tuple(map(_delivery, session.scalars(statement)))

    def resend(self, delivery_id: str) -> Delivery:
        """Send it again now, with the same webhook-id and the whole schedule before it."""
        with writing(self._engine) as session:
            one = select(OutboxRow).where(col(OutboxRow.id) == delivery_id, self._visible(col(OutboxRow.tenant)))
            row = session.scalar(one.with_for_update())
            if row is None:
                raise VidgenError(f"{delivery_id}: no such delivery", code="not_found")
            row.status, row.attempts, row.next_at, row.last_error = "pending", 0, database_now(session), None
        return _delivery(row)

    def test(self, endpoint_id: str) -> Delivery:
        """Queue a `webhook.test` event for one endpoint, enabled or not."""
        with writing(self._engine) as session:
            endpoint, now = self._existing(session, endpoint_id), database_now(session)
            row = OutboxRow(
                id=new_id("whd"),
                tenant=endpoint.tenant,
                event_id=new_id("evt"),
                target=endpoint.id,
                endpoint_id=endpoint.id,
                url=endpoint.url,
                kind=TEST_EVENT,
                payload={"endpoint_id": endpoint.id},
                next_at=now,
                created_at=now,
            )
            session.add(row)
        return _delivery(row)

    def _view(self, row: EndpointRow, with_secret: bool = False) -> Endpoint:
        secret = endpoint_secret(self._service_secret, row.id, row.secret_version) if with_secret else None
        return Endpoint(
            id=row.id,
            url=row.url,
            description=row.description,
            events=tuple(row.events),
            enabled=row.enabled,
            created_at=as_datetime(row.created_at),
            secret=secret,
        )

    def _one(self, endpoint_id: str) -> Select[EndpointRow]:
        return select(EndpointRow).where(col(EndpointRow.id) == endpoint_id, self._visible(col(EndpointRow.tenant)))

    def _existing(self, session: Session, endpoint_id: str) -> EndpointRow:
        """The row, locked until this transaction ends. Raises not_found."""
        row = session.scalar(self._one(endpoint_id).with_for_update())
        if row is None:
            raise VidgenError(f"{endpoint_id}: no such webhook endpoint", code="not_found")
        return row


def _host(url: str) -> str:
    # what follows the host may hold a token of the receiver's
    return urlsplit(url).hostname or ""


def _checked(events: Sequence[str]) -> "list[str]":
    if not events or not set(events) <= set(ALL_EVENTS):
        raise VidgenError(f"events: choose from {', '.join(ALL_EVENTS)}", code="invalid_events")
    return [event for event in ALL_EVENTS if event in events]


def _delivery(row: OutboxRow) -> Delivery:
    return Delivery(
        id=row.id,
        endpoint_id=row.endpoint_id,
        url=row.url,
        event_id=row.event_id,
        kind=row.kind,
        status=DELIVERY_STATUSES[row.status],
        attempts=row.attempts,
        next_at=as_optional_datetime(row.next_at),
        last_status_code=row.last_status_code,
        last_error=row.last_error,
        created_at=as_datetime(row.created_at),
        delivered_at=as_optional_datetime(row.delivered_at),
    )
