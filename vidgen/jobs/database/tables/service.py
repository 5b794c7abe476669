"""The state of the service itself: workers, the switch, turns, counters."""

from sqlalchemy import BigInteger, Column, Double, Index, Integer
from sqlmodel import Field, SQLModel


class WorkerRow(SQLModel, table=True):
    """Who works; for health answers and the portal, never for decisions about leases."""

    __tablename__ = "workers"

    id: str = Field(primary_key=True)
    host: str
    pid: int
    job_id: str | None = None
    device: str | None = None
    memory_mb: int | None = None
    started_at: float = Field(sa_type=Double)
    seen_at: float = Field(sa_type=Double)


class SwitchRow(SQLModel, table=True):
    """Whether the queue is paused. One row, which the migration makes."""

    __tablename__ = "queue_switch"

    id: int = Field(default=1, sa_column=Column(Integer, primary_key=True, autoincrement=False))
    paused: bool = False
    reason: str | None = None
    changed_at: float | None = Field(default=None, sa_type=Double)


class TurnRow(SQLModel, table=True):
    """The number of a tenant's last turn; a greater one came later (turns.py)."""

    __tablename__ = "tenant_turns"
    __table_args__ = (Index("tenant_turns_by_number", "n"),)

    tenant: str = Field(primary_key=True)
    n: int = Field(default=0, sa_type=BigInteger)


class TallyRow(SQLModel, table=True):
    """A counter for metrics (tallies.py); it stays when the rows that it counted are gone."""

    __tablename__ = "tallies"

    name: str = Field(primary_key=True)
    label: str = Field(primary_key=True)
    count: int = Field(sa_type=BigInteger)
    total: float = Field(sa_type=Double)
