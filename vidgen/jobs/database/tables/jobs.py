"""The job, what happened to it, what it made, and which request it came from."""

from sqlalchemy import JSON, BigInteger, Column, Double, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from vidgen.jobs.database.tables.columns import AnyJson, NullableJson, RowNumber
from vidgen.spec import NORMAL_PRIORITY


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


class IdempotencyRow(SQLModel, table=True):
    """Which request made which job. Goes with its job."""

    __tablename__ = "idempotency_keys"

    tenant: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    body_hash: str
    job_id: str = Field(foreign_key="jobs.id", ondelete="CASCADE", index=True)
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
