"""Whose turn it is: priority first, then the tenant with the fewest running jobs, then the one whose last turn is
longest ago, then the place in the line.

places.py plays the same rule ahead for the place that people are shown. Knows nothing of leases.
"""

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import Session, aliased
from sqlmodel import col

from vidgen.jobs.database.tables import JobRow, SwitchRow, TurnRow
from vidgen.jobs.tenants.quotas import may_run_another
from vidgen.jobs.views import Capacity
from vidgen.spec import JobStatus, MemoryTier

# the order of one tenant's queued jobs
LINE = (col(JobRow.priority).desc(), col(JobRow.place), col(JobRow.id))


def next_in_line(now: float, capacity: Capacity, max_running: int | None = None) -> Select[JobRow]:
    """The job to be taken next by a worker of this capacity; none while the queue is paused."""
    running = aliased(JobRow)
    busy = select(func.count()).where(
        col(running.status) == JobStatus.RUNNING, col(running.tenant) == col(JobRow.tenant)
    )
    last_turn = select(col(TurnRow.n)).where(col(TurnRow.tenant) == col(JobRow.tenant)).scalar_subquery()
    priority, *place = LINE
    return (
        select(JobRow)
        .where(*due(now, capacity, max_running))
        .order_by(priority, busy.scalar_subquery(), func.coalesce(last_turn, 0), *place)
        .limit(1)
    )


def take_turn(session: Session, tenant: str) -> None:
    """Note that the tenant has its turn now. The caller holds CLAIM_LOCK.

    Turns are numbered, since two claims may come within one tick of the clock.
    """
    latest = session.scalar(select(func.max(col(TurnRow.n)))) or 0
    row = session.get(TurnRow, tenant) or TurnRow(tenant=tenant)
    # who had the latest turn, too, stays last: nothing to write while one tenant is alone
    if latest == 0 or row.n != latest:
        row.n = latest + 1
        session.add(row)


def due(now: float, capacity: Capacity, max_running: int | None = None) -> tuple[ColumnElement[bool], ...]:
    """What a job must meet to be taken right now."""
    deadline = col(JobRow.start_deadline)
    switched_off = select(col(SwitchRow.id)).where(col(SwitchRow.paused)).exists()
    conditions: tuple[ColumnElement[bool], ...] = (
        col(JobRow.status) == JobStatus.QUEUED,
        col(JobRow.run_after) <= now,
        or_(deadline.is_(None), deadline > now),
        ~switched_off,
        may_run_another(max_running),
    )
    return conditions if capacity.memory_mb is None else (*conditions, _fits(capacity.device, capacity.memory_mb))


def _fits(device: str, memory_mb: int) -> ColumnElement[bool]:
    """Whether the job fits at the lower tier at least; one of unknown need is tried."""
    need = col(JobRow.memory_need)[(device, MemoryTier.LOW.word)].as_integer()
    return or_(need.is_(None), need <= memory_mb)
