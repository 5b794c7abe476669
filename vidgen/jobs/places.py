"""The place in the line that people are shown: the coming turns, played ahead by the rule of turns.py.

As things stand: jobs that come, go or end meanwhile are not foreseen.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any, Protocol

from sqlalchemy import Double, Integer, Select, String, and_, bindparam, func, or_, select, tuple_
from sqlalchemy.orm import Session
from sqlmodel import col

from vidgen.jobs.tables import JobRow, TurnRow
from vidgen.spec import JobStatus


class _Waiting(Protocol):
    """A queued job: the `rank`-th of the `jobs` that its tenant has of this priority."""

    id: str
    tenant: str
    priority: int
    place: float
    rank: int
    jobs: int


def places_in_line(session: Session, rows: Sequence[JobRow]) -> dict[str, int]:
    """1 is the next to run."""
    if not rows:
        return {}
    if len(rows) == 1 and _one_tenant_waits(session):
        # the usual question, and asked often: counting those ahead is far cheaper than sorting all
        return {row.id: 1 + _ahead(session, row) for row in rows}
    busy = select(col(JobRow.tenant), func.count().label("n")).where(col(JobRow.status) == JobStatus.RUNNING)
    running = Counter({row.tenant: row.n for row in session.execute(busy.group_by(col(JobRow.tenant)))})
    turns = Counter({row.tenant: row.n for row in session.scalars(select(TurnRow))})
    wanted = {row.id for row in rows}
    places = _played(session.execute(_RANKED, {"wanted": list(wanted)}), running, turns)
    return {job_id: place for job_id, place in places.items() if job_id in wanted}


def _played(waiting: Iterable[Any], running: "Counter[str]", turns: "Counter[str]") -> dict[str, int]:
    """The places of the jobs; `running` and `turns` of their tenants are moved on priority by priority."""
    places, taken, latest = {}, 0, max(turns.values(), default=0)
    for _, equals in groupby(waiting, key=lambda job: job.priority):
        jobs: list[_Waiting] = list(equals)
        rounds = _Rounds((job for job in jobs if job.rank == 1), running, turns)
        places.update({job.id: 1 + taken + rounds.before(job) for job in jobs})
        for job in rounds.heads_by_last_turn():
            running[job.tenant] += job.jobs
            taken += job.jobs
            turns[job.tenant] = latest = latest + 1
    return places


class _Rounds:
    """The turns at one priority. A tenant's turns come in the rounds that are numbered by its running jobs.

    Who joins in a later round has waited longest by then, so it comes first in that one and those after it.
    """

    def __init__(self, heads: Iterable[_Waiting], running: "Counter[str]", turns: "Counter[str]") -> None:
        self._heads = sorted(heads, key=lambda it: (-running[it.tenant], turns[it.tenant], it.place, it.id))
        self._first = [running[head.tenant] for head in self._heads]
        self._order = {head.tenant: n for n, head in enumerate(self._heads)}

    def before(self, job: _Waiting) -> int:
        """How many jobs of this priority are taken before this one."""
        own = self._order[job.tenant]
        at = self._first[own] + job.rank - 1
        heads = enumerate(zip(self._heads, self._first, strict=True))
        return sum(min(head.jobs, max(0, at - first + (n < own))) for n, (head, first) in heads)

    def heads_by_last_turn(self) -> list[_Waiting]:
        """The tenant whose last turn at this priority comes first, first."""
        ends = zip(self._heads, self._first, strict=True)
        # sorting keeps the order of those that end in the same round
        return [head for head, _ in sorted(ends, key=lambda it: it[1] + it[0].jobs)]


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


def _ranked() -> Select[Any]:
    """The `:wanted` jobs, and of each tenant and priority the first one, the most urgent before the others."""
    own = col(JobRow.tenant), col(JobRow.priority)
    rank = func.row_number().over(partition_by=own, order_by=(col(JobRow.place), col(JobRow.id)))
    columns = col(JobRow.id), *own, col(JobRow.place)
    queued = (
        select(*columns, rank.label("rank"), func.count().over(partition_by=own).label("jobs"))
        .where(col(JobRow.status) == JobStatus.QUEUED)
        .subquery()
    )
    told = or_(queued.c.rank == 1, queued.c.id.in_(bindparam("wanted", expanding=True)))
    return select(queued).where(told).order_by(queued.c.priority.desc())


# asked with every answer: made once, as making them takes longer than running them
_ENDS, _AHEAD, _RANKED = _ends(), _before(), _ranked()
