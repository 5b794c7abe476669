"""What a tenant's clips cost in machine time, by day. Counts the jobs that still exist."""

from dataclasses import dataclass
from datetime import UTC, date, datetime

from sqlalchemy import BigInteger, Engine, cast, func, select
from sqlmodel import col

from vidgen.jobs.database.clock import database_now
from vidgen.jobs.database.session import reading
from vidgen.jobs.database.tables import JobRow

DAY = 86400


@dataclass(frozen=True, slots=True)
class Spent:
    """One day (UTC): how many jobs ended, and for how many seconds their last attempts ran."""

    day: date
    jobs: int
    seconds: float


def spent(engine: Engine, tenant: str, days: int) -> list[Spent]:
    """The latest `days` days on which something ran, newest first."""
    day = cast(col(JobRow.finished_at), BigInteger) // DAY  # whole seconds first: one database cuts, another rounds
    ran = func.sum(col(JobRow.finished_at) - col(JobRow.started_at))
    with reading(engine) as session:
        since = database_now(session) - days * DAY
        own = col(JobRow.tenant) == tenant, col(JobRow.finished_at) > since, col(JobRow.started_at).is_not(None)
        rows = session.execute(select(day, func.count(), ran).where(*own).group_by(day).order_by(day.desc()))
        return [
            Spent(datetime.fromtimestamp(n * DAY, UTC).date(), jobs, float(seconds or 0)) for n, jobs, seconds in rows
        ]
