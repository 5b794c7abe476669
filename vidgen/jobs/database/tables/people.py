"""Who may do what, who did what, and how much a tenant may."""

from sqlalchemy import JSON, Column, Double, Index, Integer
from sqlmodel import Field, SQLModel

from vidgen.jobs.database.tables.columns import AnyJson, RowNumber


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
