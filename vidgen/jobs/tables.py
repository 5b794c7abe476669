"""The tables. Private to the modules of this package that run statements; everybody else sees views.

Times are seconds since 1970 by the database's clock (see clock.py).
"""

from typing import Any

from sqlalchemy import JSON, BigInteger, Column, Double, Index, Integer, Table, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from vidgen.spec import NORMAL_PRIORITY

AnyJson = dict[str, Any]
NullableJson = JSON(none_as_null=True)
# SQLite only numbers rows by itself when the key is exactly INTEGER
RowNumber = BigInteger().with_variant(Integer(), "sqlite")


class JobRow(SQLModel, table=True):
    """The job. `attempt` is the fencing token: it only grows, and a zombie's writes match no row."""

    __tablename__ = "jobs"
    __table_args__ = (
        Index("jobs_by_queue", "status", "priority", "place", "id"),
        Index("jobs_by_turn", "status", "tenant", "priority", "place", "id"),
        Index("jobs_by_age", "created_at", "id"),
        Index("jobs_by_tenant", "tenant", "created_at", "id"),
        # nearly always empty, and asked every few seconds
        Index(
            "jobs_to_delete",
            "delete_requested",
            sqlite_where=text("delete_requested = 1"),
            postgresql_where=text("delete_requested"),
        ),
    )

    id: str = Field(primary_key=True)
    tenant: str = "local"
    status: str
    attempt: int = 0
    excused: int = Field(default=0, description="Attempts that do not count: released ones and those before a retry.")
    max_attempts: int
    round: int = Field(default=0, description="How often a person asked for a retry; one terminal event a round.")
    owner: str | None = None
    lease_until: float | None = Field(default=None, sa_type=Double)
    run_after: float = Field(sa_type=Double)
    place: float = Field(default=0.0, sa_type=Double, description="Order among jobs of one priority, small first.")
    priority: int = NORMAL_PRIORITY
    start_deadline: float | None = Field(default=None, sa_type=Double, description="Not started by then: it fails.")
    version: int = Field(default=1, description="Grows with every edit; an editor names the one it has seen.")
    cancel_requested: bool = False
    stop_requested: bool = Field(default=False, description="End after the chunk in hand and keep what there is.")
    delete_requested: bool = Field(default=False, description="Goes, with its files, as soon as it has ended.")
    memory_tier: int = Field(default=0, description="0: as fast as it can; 1: as little memory as it can.")
    memory_need: AnyJson | None = Field(default=None, sa_type=NullableJson, description="See admission.MemoryNeed.")
    problem_code: str | None = Field(default=None, description="Why a queued job is not taken; the watchdog's.")
    problem_message: str | None = None
    task: str
    model: str
    model_revision: str
    spec: AnyJson = Field(sa_type=JSON)
    spec_hash: str
    callback_url: str | None = None
    dialect: str = Field(default="job", description="Whose words announce its end: `job` events or `video` ones.")
    source_job_id: str | None = Field(default=None, description="The job whose clip it was made from; may be gone.")
    stage: str | None = None
    progress: float = Field(default=0.0, sa_type=Double)
    step: int = 0
    total_steps: int = 0
    chunk: int = Field(default=0, description="In hand, from 1; 0: the clip is made in one piece.")
    total_chunks: int = 0
    eta_seconds: float | None = Field(default=None, sa_type=Double)
    preview_version: int = 0
    error_code: str | None = None
    error_message: str | None = None
    error_retryable: bool = False
    traceparent: str | None = None
    created_at: float = Field(sa_type=Double)
    started_at: float | None = Field(default=None, sa_type=Double)
    finished_at: float | None = Field(default=None, sa_type=Double)
    expires_at: float = Field(sa_type=Double, index=True)


class JobEventRow(SQLModel, table=True):
    """History for event streams. The unique pair makes a second terminal event of a round impossible."""

    __tablename__ = "job_events"
    __table_args__ = (
        UniqueConstraint("job_id", "terminal_round", name="one_terminal_event"),
        Index("job_events_by_kind", "kind", "created_at"),
        Index("job_events_by_tenant", "tenant", "id"),
        Index("job_events_by_job", "job_id", "id"),
        {"sqlite_autoincrement": True},
    )

    id: int | None = Field(default=None, sa_column=Column(RowNumber, primary_key=True, autoincrement=True))
    job_id: str = Field(foreign_key="jobs.id", ondelete="CASCADE")
    tenant: str = Field(default="local", description="Its job's, so that a stream's question is answered by an index.")
    kind: str
    data: AnyJson = Field(sa_type=JSON)
    terminal_round: int | None = None
    created_at: float = Field(sa_type=Double)


class JobChunkRow(SQLModel, table=True):
    """Finished chunks of a long clip, so that a resumed attempt skips them."""

    __tablename__ = "job_chunks"

    job_id: str = Field(primary_key=True, foreign_key="jobs.id", ondelete="CASCADE")
    n: int = Field(primary_key=True)
    attempt: int = 0
    key: str
    sha256: str
    seed: int = Field(sa_type=BigInteger)
    size: int = Field(default=0, sa_type=BigInteger, description="Bytes.")
    about: AnyJson = Field(default_factory=dict, sa_type=JSON)
    created_at: float = Field(sa_type=Double)


class ArtifactRow(SQLModel, table=True):
    """Published files; written only by the terminal transaction. `key` is the path within the store."""

    __tablename__ = "artifacts"

    id: str = Field(primary_key=True)
    job_id: str = Field(foreign_key="jobs.id", ondelete="CASCADE", index=True)
    attempt: int
    kind: str
    key: str
    filename: str
    content_type: str
    size: int = Field(sa_type=BigInteger)
    sha256: str
    width: int | None = None
    height: int | None = None
    num_frames: int | None = None
    fps: float | None = Field(default=None, sa_type=Double)
    created_at: float = Field(sa_type=Double)


class MarkRow(SQLModel, table=True):
    """What people note of a clip: a star, a project (gallery.py)."""

    __tablename__ = "gallery_marks"
    __table_args__ = (Index("gallery_marks_by_project", "project"),)

    job_id: str = Field(primary_key=True, foreign_key="jobs.id", ondelete="CASCADE")
    starred: bool = False
    project: str = ""


class PresetRow(SQLModel, table=True):
    """A form's texts under a name (presets.py)."""

    __tablename__ = "presets"

    tenant: str = Field(primary_key=True)
    name: str = Field(primary_key=True)
    values: AnyJson = Field(sa_type=JSON)
    created_at: float = Field(sa_type=Double)


class SweepCellRow(SQLModel, table=True):
    """One clip of a sweep (sweeps.py). A sweep is its cells: it goes when the last of its jobs goes."""

    __tablename__ = "sweep_cells"
    __table_args__ = (Index("sweep_cells_by_sweep", "sweep_id"), Index("sweep_cells_by_tenant", "tenant", "created_at"))

    job_id: str = Field(primary_key=True, foreign_key="jobs.id", ondelete="CASCADE")
    sweep_id: str
    tenant: str
    across: int = Field(description="Its column, by the first field that is varied.")
    down: int = Field(description="Its row, by the second one.")
    axes: list[AnyJson] = Field(sa_type=JSON, description="What is varied: fields and values, as drawn.")
    created_at: float = Field(sa_type=Double)


class UploadRow(SQLModel, table=True):
    __tablename__ = "uploads"
    __table_args__ = (Index("uploads_by_tenant", "tenant"),)

    id: str = Field(primary_key=True)
    tenant: str = "local"
    filename: str
    kind: str
    key: str
    content_type: str
    size: int = Field(sa_type=BigInteger)
    sha256: str
    width: int
    height: int
    num_frames: int | None = None
    fps: float | None = Field(default=None, sa_type=Double)
    created_at: float = Field(sa_type=Double, index=True)


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


class IdempotencyRow(SQLModel, table=True):
    """Which request made which job. Goes with its job."""

    __tablename__ = "idempotency_keys"

    tenant: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    body_hash: str
    job_id: str = Field(foreign_key="jobs.id", ondelete="CASCADE", index=True)
    created_at: float = Field(sa_type=Double)


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


class ApiKeyRow(SQLModel, table=True):
    """Holds the key's sha256 alone: the key itself is shown once and kept nowhere."""

    __tablename__ = "api_keys"
    __table_args__ = (Index("api_keys_by_tenant", "tenant", "created_at", "id"),)

    id: str = Field(primary_key=True)
    tenant: str
    name: str
    sha256: str
    scopes: list[str] = Field(sa_type=JSON)
    created_by: str
    created_at: float = Field(sa_type=Double)
    expires_at: float | None = Field(default=None, sa_type=Double)
    revoked_at: float | None = Field(default=None, sa_type=Double)
    last_used_at: float | None = Field(default=None, sa_type=Double)


class EndedSessionRow(SQLModel, table=True):
    """A portal session that was signed out before its end. After its end the cookie counts for nothing by itself."""

    __tablename__ = "ended_sessions"

    id: str = Field(primary_key=True)
    expires_at: float = Field(sa_type=Double, index=True)


class AuditRow(SQLModel, table=True):
    """Append-only, and the database itself refuses to change it. Each row holds the hash of the one before."""

    __tablename__ = "audit_log"

    n: int = Field(sa_column=Column(RowNumber, primary_key=True, autoincrement=False))
    tenant: str
    actor: str
    action: str
    subject: str
    detail: AnyJson = Field(sa_type=JSON)
    created_at: float = Field(sa_type=Double)
    previous: str
    sha256: str


class QuotaRow(SQLModel, table=True):
    """An exception from the settings' limits for one tenant; what is empty follows the settings."""

    __tablename__ = "tenant_quotas"

    tenant: str = Field(primary_key=True)
    max_queued: int | None = None
    max_running: int | None = None
    max_jobs_per_day: int | None = None
    max_storage_mb: int | None = None


class TenantDayRow(SQLModel, table=True):
    """How many jobs a tenant queued on a day (days since 1970, UTC)."""

    __tablename__ = "tenant_days"

    tenant: str = Field(primary_key=True)
    day: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    jobs: int = 0


def table_of(row: type[SQLModel]) -> Table:
    """The table itself, for statements that are made once and run past the unit of work (session.looking)."""
    return SQLModel.metadata.tables[str(row.__tablename__)]


JOBS = table_of(JobRow)
