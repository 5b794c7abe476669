"""Registered receivers of webhooks and their secrets. What is sent to them is in deliveries.py and outbox.py."""

from collections.abc import Sequence
from urllib.parse import urlsplit

from sqlalchemy import Engine, Select, select
from sqlalchemy.orm import Session
from sqlmodel import col

from vidgen.errors import VidgenError
from vidgen.jobs.database.clock import as_datetime, as_optional_datetime, database_now
from vidgen.jobs.database.cursors import page
from vidgen.jobs.database.session import reading, writing
from vidgen.jobs.database.tables import EndpointRow, OutboxRow
from vidgen.jobs.history import VIDEO_EVENTS
from vidgen.jobs.ids import new_id
from vidgen.jobs.outbound.addresses import check_url
from vidgen.jobs.tenants.tenancy import Tenanted
from vidgen.jobs.views import Delivery, DisabledReason, Endpoint, Page
from vidgen.jobs.webhooks import health as endpoint_health
from vidgen.jobs.webhooks.deliveries import delivery_views
from vidgen.jobs.webhooks.signing import endpoint_secret, sign

__all__ = ["ALL_EVENTS", "EVENTS", "TEST_EVENT", "EndpointRepository", "sign"]

EVENTS = ("job.succeeded", "job.failed", "job.cancelled")
"""What a new endpoint hears of, unless it asks otherwise."""
ALL_EVENTS = (*EVENTS, *sorted(set(VIDEO_EVENTS.values())))
TEST_EVENT = "webhook.test"
REASONS: dict[str, DisabledReason] = {"gone": "gone", "failing": "failing", "asked": "asked"}


class EndpointRepository(Tenanted):
    """Endpoints of one tenant or of all. Unknown ids raise not_found.

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

    def list(self, limit: int = 50, cursor: str | None = None) -> Page[Endpoint]:
        """Oldest first. Raises VidgenError invalid_cursor."""
        own = select(EndpointRow).where(self._visible(col(EndpointRow.tenant)))
        with reading(self._engine) as session:
            rows, following = page(session, EndpointRow, own, limit, cursor, oldest_first=True)
            return Page[Endpoint](items=tuple(map(self._view, rows)), next_cursor=following)

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
            if enabled:
                endpoint_health.enable(row)
            elif enabled is not None:
                endpoint_health.disable(row, endpoint_health.ASKED, database_now(session))
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
            session.flush()
            return delivery_views(session, (row,))[0]

    def _view(self, row: EndpointRow, with_secret: bool = False) -> Endpoint:
        secret = endpoint_secret(self._service_secret, row.id, row.secret_version) if with_secret else None
        return Endpoint(
            id=row.id,
            url=row.url,
            description=row.description,
            events=tuple(row.events),
            enabled=row.enabled,
            failing_since=as_optional_datetime(row.failing_since),
            disabled_reason=REASONS.get(row.disabled_reason or ""),
            disabled_at=as_optional_datetime(row.disabled_at),
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
