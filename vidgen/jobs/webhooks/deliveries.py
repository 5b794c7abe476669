"""The log of deliveries, and asking for one again. Reads and writes rows; outbox.py hands them out, sender.py sends."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import CursorResult, Engine, Select, and_, delete, or_, select, update
from sqlalchemy.orm import Session
from sqlmodel import col

from vidgen.errors import VidgenError
from vidgen.jobs.database.clock import as_datetime, as_optional_datetime, database_now
from vidgen.jobs.database.cursors import page
from vidgen.jobs.database.session import reading, writing
from vidgen.jobs.database.tables import DeliveryAttemptRow, EndpointRow, OutboxRow
from vidgen.jobs.tenants.tenancy import Tenanted
from vidgen.jobs.views import Delivery, DeliveryAttempt, DeliveryStatus, Page

STATUSES: dict[str, DeliveryStatus] = {"pending": "pending", "delivered": "delivered", "failed": "failed"}
MICROSECOND = 1e-6


class DeliveryRepository(Tenanted):
    """Deliveries of one tenant or of all. Unknown ids raise not_found."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def list(
        self,
        endpoint_id: str | None = None,
        *,
        status: DeliveryStatus | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> Page[Delivery]:
        """Of one endpoint, or of all and of the per-job callbacks too; newest first. Raises invalid_cursor."""
        statement = select(OutboxRow).where(self._visible(col(OutboxRow.tenant)))
        if endpoint_id is not None:
            statement = statement.where(col(OutboxRow.endpoint_id) == endpoint_id)
        if status is not None:
            statement = statement.where(col(OutboxRow.status) == status)
        with reading(self._engine) as session:
            rows, following = page(session, OutboxRow, statement, limit, cursor)
            return Page[Delivery](items=delivery_views(session, rows), next_cursor=following)

    def get(self, delivery_id: str) -> Delivery | None:
        with reading(self._engine) as session:
            row = session.scalar(self._one(delivery_id))
            return None if row is None else delivery_views(session, (row,))[0]

    def resend(self, delivery_id: str) -> Delivery:
        """Send it again now, with the same webhook-id and the whole schedule before it."""
        with writing(self._engine) as session:
            row = session.scalar(self._one(delivery_id).with_for_update())
            if row is None:
                raise VidgenError(f"{delivery_id}: no such delivery", code="not_found")
            # the attempts go on counting: their number keeps the outcome of an old one from becoming that of a new one
            row.status, row.excused, row.next_at, row.last_error = "pending", row.attempts, database_now(session), None
            return delivery_views(session, (row,))[0]

    def recover(self, endpoint_id: str, since: datetime) -> int:
        """Send all of an endpoint's failed deliveries again whose events happened at `since` or later; how many."""
        failed = and_(
            self._visible(col(OutboxRow.tenant)),
            col(OutboxRow.endpoint_id) == endpoint_id,
            col(OutboxRow.status) == "failed",
            # stored times are finer than shown ones: a time that was read here must find its own delivery
            col(OutboxRow.created_at) > since.timestamp() - MICROSECOND,
        )
        with writing(self._engine) as session:
            again = {"status": "pending", "excused": OutboxRow.attempts, "next_at": database_now(session)}
            return _count(session.execute(update(OutboxRow).where(failed).values({**again, "last_error": None})))

    def prune(self, seconds: float) -> int:
        """Forget what ended, or waits for a disabled endpoint, and is older than that; returns how many went."""
        with writing(self._engine) as session:
            disabled = select(col(EndpointRow.id)).where(col(EndpointRow.enabled).is_(False))
            over = or_(col(OutboxRow.status) != "pending", col(OutboxRow.endpoint_id).in_(disabled))
            old = col(OutboxRow.created_at) < database_now(session) - seconds
            return _count(session.execute(delete(OutboxRow).where(over, old)))

    def _one(self, delivery_id: str) -> Select[OutboxRow]:
        return select(OutboxRow).where(col(OutboxRow.id) == delivery_id, self._visible(col(OutboxRow.tenant)))


def delivery_views(session: Session, rows: Sequence[OutboxRow]) -> tuple[Delivery, ...]:
    """Views of the rows, in their order, with the log of their attempts."""
    logs: dict[str, list[DeliveryAttempt]] = {row.id: [] for row in rows}
    attempts = select(DeliveryAttemptRow).where(col(DeliveryAttemptRow.delivery_id).in_(logs))
    for row in session.scalars(attempts.order_by(col(DeliveryAttemptRow.n))) if logs else ():
        logs[row.delivery_id].append(
            DeliveryAttempt(
                n=row.n,
                started_at=as_datetime(row.started_at),
                seconds=row.seconds,
                status_code=row.status_code,
                error=row.error,
            )
        )
    return tuple(_view(row, tuple(logs[row.id])) for row in rows)


def _view(row: OutboxRow, log: tuple[DeliveryAttempt, ...]) -> Delivery:
    return Delivery(
        id=row.id,
        endpoint_id=row.endpoint_id,
        url=row.url,
        event_id=row.event_id,
        kind=row.kind,
        status=STATUSES[row.status],
        attempts=row.attempts,
        next_at=as_optional_datetime(row.next_at),
        last_status_code=row.last_status_code,
        last_error=row.last_error,
        log=log,
        created_at=as_datetime(row.created_at),
        delivered_at=as_optional_datetime(row.delivered_at),
    )


def _count(result: object) -> int:
    assert isinstance(result, CursorResult)
    return result.rowcount
