"""What one tenant may use: jobs waiting, running and per day, and bytes stored. Counted in the database.

Every count is made within the transaction that adds to it, one creator at a time, so that no number of parallel
requests, processes or machines gets past a limit.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, Row, Select, bindparam, func, literal, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session, aliased
from sqlmodel import col

from vidgen.errors import VidgenError
from vidgen.jobs.database.clock import DatabaseNow, database_now
from vidgen.jobs.database.session import reading, writing
from vidgen.jobs.database.tables import (
    JOBS,
    ArtifactRow,
    JobChunkRow,
    JobRow,
    QuotaRow,
    TenantDayRow,
    UploadRow,
    table_of,
)
from vidgen.jobs.settings import Settings
from vidgen.jobs.tenants.audit import append
from vidgen.jobs.views import Quota, Share
from vidgen.spec import JobStatus

DAY = 86400.0
MEGABYTE = 1 << 20
SOON_SECONDS = 5


class QuotaExceeded(VidgenError):
    """The tenant is at a limit that passes by itself; `retry_after` says in how many seconds it may have."""

    code = "quota_exceeded"
    retryable = True

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Limits:
    """None: no limit."""

    max_queued: int | None = None
    max_running: int | None = None
    max_jobs_per_day: int | None = None
    max_storage_mb: int | None = None

    @classmethod
    def of(cls, settings: Settings) -> "Limits":
        """What holds for tenants that nobody made an exception for."""
        return cls(
            settings.tenant_max_queued,
            settings.tenant_max_running,
            settings.tenant_max_jobs_per_day,
            settings.tenant_max_storage_mb,
        )


class Quotas:
    """The limits of all tenants and how much of them is used."""

    def __init__(self, engine: Engine, defaults: Limits) -> None:
        self._engine = engine
        self.defaults = defaults

    def admit_job(self, connection: Connection, tenant: str, max_queued: int | None, together: int = 1) -> float:
        """Count a job that this transaction queues, where fewer than `max_queued` of all tenants wait. Gives the time.

        With `together` that many must find room, though this one alone is counted.

        The caller holds CREATE_LOCK, and takes everything back when this raises.
        Raises VidgenError queue_full or storage_quota, QuotaExceeded.
        """
        found = connection.execute(_STANDING, {"tenant": tenant}).one()
        if max_queued is not None and found.waiting + together > max_queued:
            message = f"{found.waiting} jobs are waiting, {_most(together, max_queued)}; try again later"
            raise VidgenError(message, code="queue_full", retryable=True)
        limits, now = self._with_exceptions(found), float(found.now)
        queued = _jobs(connection, tenant, JobStatus.QUEUED) if limits.max_queued is not None else 0
        if limits.max_queued is not None and queued + together > limits.max_queued:
            most = _most(together, limits.max_queued)
            raise QuotaExceeded(f"{queued} of your jobs are waiting, {most}; try again later", SOON_SECONDS)
        # kept apart from the jobs, because deleting them gives no part of the day back
        count = _COUNT_JOB[connection.dialect.name]
        today = connection.execute(count, {"tenant": tenant, "day": int(now // DAY), "jobs": 1}).scalar_one()
        if limits.max_jobs_per_day is not None and today - 1 + together > limits.max_jobs_per_day:
            left, most = int(DAY - now % DAY) + 1, _most(together, limits.max_jobs_per_day)
            raise QuotaExceeded(f"{today - 1} jobs were queued today, {most}; the day ends at 0:00 UTC", left)
        if limits.max_storage_mb is not None:
            self.check_storage(connection, tenant, 0)
        return now

    def check_storage(self, session: Session | Connection, tenant: str, more: int) -> None:
        """Raise VidgenError storage_quota unless `more` bytes fit; with 0, unless there is any room left."""
        limit = self.limits(session, tenant).max_storage_mb
        if limit is not None and _stored(session, tenant) + max(more, 1) > limit * MEGABYTE:
            raise VidgenError(f"your files may take {limit} MB; delete some first", code="storage_quota")

    def limits(self, session: Session | Connection, tenant: str) -> Limits:
        """The defaults with the tenant's exceptions."""
        row = session.execute(_EXCEPTIONS, {"tenant": tenant}).first()
        return self.defaults if row is None else self._with_exceptions(row)

    def _with_exceptions(self, row: Row[Any]) -> Limits:
        return Limits(*(_first(getattr(row, name), getattr(self.defaults, name)) for name in Limits.__slots__))

    def of(self, tenant: str) -> Quota:
        """Every limit of a tenant and how much of it is used."""
        with reading(self._engine) as session:
            limits, day = self.limits(session, tenant), int(database_now(session) // DAY)
            today = session.get(TenantDayRow, (tenant, day))
            room = None if limits.max_storage_mb is None else limits.max_storage_mb * MEGABYTE
            return Quota(
                queued=Share(used=_jobs(session, tenant, JobStatus.QUEUED), limit=limits.max_queued),
                running=Share(used=_jobs(session, tenant, JobStatus.RUNNING), limit=limits.max_running),
                jobs_today=Share(used=0 if today is None else today.jobs, limit=limits.max_jobs_per_day),
                storage_bytes=Share(used=_stored(session, tenant), limit=room),
            )

    def set(self, tenant: str, limits: Limits, *, actor: str) -> None:
        """Make an exception for a tenant; what is None follows the defaults again."""
        with writing(self._engine) as session:
            row = session.get(QuotaRow, tenant) or QuotaRow(tenant=tenant)
            for name in Limits.__slots__:
                setattr(row, name, getattr(limits, name))
            session.add(row)
            told = {name: str(getattr(limits, name)) for name in Limits.__slots__}
            append(session, tenant=tenant, actor=actor, action="quota.set", subject=tenant, detail=told)


def may_run_another(default: int | None) -> ColumnElement[bool]:
    """Whether a queued job's tenant is below its number of running jobs; for claims, which are made one at a time."""
    running = aliased(JobRow)
    busy = select(func.count()).where(
        col(running.status) == JobStatus.RUNNING, col(running.tenant) == col(JobRow.tenant)
    )
    own = select(col(QuotaRow.max_running)).where(col(QuotaRow.tenant) == col(JobRow.tenant)).scalar_subquery()
    limit = func.coalesce(own, default)
    return or_(limit.is_(None), busy.scalar_subquery() < limit)


def _jobs(session: Session | Connection, tenant: str, status: JobStatus) -> int:
    statement = select(func.count()).where(col(JobRow.status) == status, col(JobRow.tenant) == tenant)
    return session.scalar(statement) or 0


def _stored(session: Session | Connection, tenant: str) -> int:
    made = select(func.sum(col(ArtifactRow.size))).join(JobRow).where(col(JobRow.tenant) == tenant)
    kept = select(func.sum(col(JobChunkRow.size))).join(JobRow).where(col(JobRow.tenant) == tenant)
    sent = select(func.sum(col(UploadRow.size))).where(col(UploadRow.tenant) == tenant)
    return sum(int(session.scalar(size) or 0) for size in (made, kept, sent))


def _most(together: int, limit: int) -> str:
    return "the most allowed" if together == 1 else f"and with {together} more it would be above {limit}"


def _first(*values: int | None) -> int | None:
    return next((value for value in values if value is not None), None)


def _counting(insert: Any) -> Any:
    days = table_of(TenantDayRow)
    one_more = insert(days).on_conflict_do_update(index_elements=["tenant", "day"], set_={"jobs": days.c.jobs + 1})
    return one_more.returning(days.c.jobs)


def _standing() -> Select[Any]:
    """One row: the time, how many jobs of all tenants wait, and the exceptions of `:tenant`, empty if it has none."""
    waiting = select(func.count()).select_from(JOBS).where(JOBS.c.status == JobStatus.QUEUED).scalar_subquery()
    both = select(literal(1)).subquery().outerjoin(_QUOTAS, _QUOTAS.c.tenant == bindparam("tenant"))
    return select(DatabaseNow().label("now"), waiting.label("waiting"), _QUOTAS).select_from(both)


# asked with every creation: made once, as making them takes longer than running them
_QUOTAS = table_of(QuotaRow)
_EXCEPTIONS, _STANDING = select(_QUOTAS).where(_QUOTAS.c.tenant == bindparam("tenant")), _standing()
_COUNT_JOB = {"postgresql": _counting(postgresql.insert), "sqlite": _counting(sqlite.insert)}
