"""Receivers, and what is on its way to them."""

from sqlalchemy import JSON, Double, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from vidgen.jobs.database.tables.columns import AnyJson


class EndpointRow(SQLModel, table=True):
    """Holds no secret: it is derived from the service's own and `secret_version`."""

    __tablename__ = "webhook_endpoints"

    id: str = Field(primary_key=True)
    tenant: str = "local"
    url: str
    description: str
    events: list[str] = Field(sa_type=JSON)
    enabled: bool = True
    secret_version: int = 1
    rotated_at: float | None = Field(default=None, sa_type=Double)
    failing_since: float | None = Field(default=None, sa_type=Double, description="The first failure after a success.")
    disabled_reason: str | None = None
    disabled_at: float | None = Field(default=None, sa_type=Double)
    created_at: float = Field(sa_type=Double)


class OutboxRow(SQLModel, table=True):
    """A webhook delivery, written by the transaction it announces. `target` is an endpoint's id or `callback`."""

    __tablename__ = "outbox"
    __table_args__ = (
        UniqueConstraint("job_id", "round", "target", name="one_delivery_a_target"),
        Index("outbox_due", "status", "next_at"),
        Index("outbox_by_tenant", "tenant", "created_at"),
        Index("outbox_by_age", "created_at"),
    )

    id: str = Field(primary_key=True)
    tenant: str = "local"
    event_id: str = Field(index=True)
    job_id: str | None = Field(default=None, foreign_key="jobs.id", ondelete="SET NULL")
    round: int = 0
    target: str
    endpoint_id: str | None = Field(default=None, foreign_key="webhook_endpoints.id", ondelete="CASCADE", index=True)
    url: str
    kind: str
    payload: AnyJson = Field(sa_type=JSON)
    status: str = "pending"
    attempts: int = Field(default=0, description="Only grows: it fences the outcome of an attempt.")
    excused: int = Field(default=0, description="Attempts before the latest resend; the schedule begins after them.")
    next_at: float | None = Field(default=None, sa_type=Double)
    last_status_code: int | None = None
    last_error: str | None = None
    created_at: float = Field(sa_type=Double)
    delivered_at: float | None = Field(default=None, sa_type=Double)


class DeliveryAttemptRow(SQLModel, table=True):
    """What became of one attempt; without `seconds` it is under way, or its dispatcher died over it."""

    __tablename__ = "delivery_attempts"

    delivery_id: str = Field(primary_key=True, foreign_key="outbox.id", ondelete="CASCADE")
    n: int = Field(primary_key=True)
    started_at: float = Field(sa_type=Double)
    seconds: float | None = Field(default=None, sa_type=Double)
    status_code: int | None = None
    error: str | None = None
