"""Whose turn it is: priority first, then the tenant with the fewest running jobs, then the place in the line.

The claim and the place that people are shown follow one rule. Knows nothing of leases.
"""

from collections.abc import Sequence

from sqlalchemy import (
    ColumnElement,
    Double,
    Integer,
    Select,
    String,
    and_,
    bindparam,
    func,
    or_,
    select,
    tuple_,
)
from sqlalchemy.orm import Session, aliased
from sqlmodel import col

from vidgen.jobs.quotas import may_run_another
from vidgen.jobs.tables import JobRow, SwitchRow
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
    priority, *place = LINE
    return (
        select(JobRow)
        .where(*due(now, capacity, max_running))
        .order_by(priority, busy.scalar_subquery(), *place)
        .limit(1)
    )


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


def places_in_line(session: Session, rows: Sequence[JobRow]) -> dict[str, int]:
    """1 is the next to run, as things stand: jobs that will end meanwhile are not foreseen."""
    if not rows:
        return {}
    if len(rows) == 1 and _one_tenant_waits(session):
        # the usual question, and asked often: counting those ahead is far cheaper than sorting all
        return {row.id: 1 + _ahead(session, row) for row in rows}
    busy = (
        select(col(JobRow.tenant), func.count().label("running"))
        .where(col(JobRow.status) == JobStatus.RUNNING)
        .group_by(col(JobRow.tenant))
        .subquery()
    )
    # how many of its tenant's jobs will be running when this one is taken
    turn = func.row_number().over(partition_by=col(JobRow.tenant), order_by=LINE) + func.coalesce(busy.c.running, 0)
    queued = (
        select(col(JobRow.id), col(JobRow.priority), col(JobRow.place), turn.label("turn"))
        .outerjoin(busy, busy.c.tenant == JobRow.tenant)
        .where(col(JobRow.status) == JobStatus.QUEUED)
        .subquery()
    )
    order = (queued.c.priority.desc(), queued.c.turn, queued.c.place, queued.c.id)
    line = select(queued.c.id, func.row_number().over(order_by=order).label("position")).subquery()
    wanted = [row.id for row in rows]
    found = session.execute(select(line.c.id, line.c.position).where(line.c.id.in_(wanted)))
    return {row.id: row.position for row in found}


def _one_tenant_waits(session: Session) -> bool:
    lowest, highest = session.execute(_ENDS).one()
    return bool(lowest == highest)


def _ahead(session: Session, row: JobRow) -> int:
    """How many queued jobs come before `row`, all being of one tenant."""
    return session.scalar(_AHEAD, {"priority": row.priority, "place": row.place, "id": row.id}) or 0


def _ends() -> Select[str, str]:
    """The first and the last tenant that waits: two looks at the ends of an index, however long the line is."""
    queued = col(JobRow.status) == JobStatus.QUEUED
    first, last = func.min(col(JobRow.tenant)), func.max(col(JobRow.tenant))
    return select(select(first).where(queued).scalar_subquery(), select(last).where(queued).scalar_subquery())


def _before() -> Select[int]:
    """How many queued jobs come before `:priority`, `:place`, `:id`."""
    priority, place = col(JobRow.priority), tuple_(col(JobRow.place), col(JobRow.id))
    here = tuple_(bindparam("place", type_=Double()), bindparam("id", type_=String()))
    at = bindparam("priority", type_=Integer())
    before = or_(priority > at, and_(priority == at, place < here))
    return select(func.count()).select_from(JobRow).where(col(JobRow.status) == JobStatus.QUEUED, before)


def _fits(device: str, memory_mb: int) -> ColumnElement[bool]:
    """Whether the job fits at the lower tier at least; one of unknown need is tried."""
    need = col(JobRow.memory_need)[(device, MemoryTier.LOW.word)].as_integer()
    return or_(need.is_(None), need <= memory_mb)


# asked with every answer: made once, as making them takes longer than running them
_ENDS, _AHEAD = _ends(), _before()
