"""The place in the line that people are shown: the coming turns, played ahead by the rule of turns.py.

As things stand: jobs that come, go or end meanwhile are not foreseen.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any, Protocol

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, bindparam, case, func, or_, select, tuple_
from sqlalchemy.orm import Session

from vidgen.jobs.tables import JOBS, JobRow, TurnRow, table_of
from vidgen.spec import JobStatus


class _Waiting(Protocol):
    """A queued job: the `rank`-th of the `jobs` that its tenant has of this priority."""

    id: str
    tenant: str
    priority: int
    place: float
    rank: int
    jobs: int


def place_alone() -> ColumnElement[int | None]:
    """A column for statements about JOBS: the place in the line while all who wait are of one tenant, else NULL.

    The usual case, and asked often: counting those ahead is far cheaper than sorting all.
    """
    queued = JOBS.c.status == JobStatus.QUEUED
    # two looks at the ends of an index, however long the line is
    others = JOBS.alias("others")
    ends = [end(others.c.tenant) for end in (func.min, func.max)]
    first, last = (select(end).where(others.c.status == JobStatus.QUEUED).scalar_subquery() for end in ends)
    return case((and_(queued, first == last), 1 + _ahead().scalar_subquery()))


def places_in_line(session: Session | Connection, rows: Sequence[JobRow | Row[Any]]) -> dict[str, int]:
    """1 is the next to run."""
    if not rows:
        return {}
    running = Counter({row.tenant: row.n for row in session.execute(_BUSY)})
    turns = Counter({row.tenant: row.n for row in session.execute(_TURNS)})
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


def _ahead() -> Select[int]:
    """How many queued jobs come before the one in JOBS."""
    others = JOBS.alias("ahead")
    here, there = (tuple_(table.c.place, table.c.id) for table in (JOBS, others))
    before = or_(others.c.priority > JOBS.c.priority, and_(others.c.priority == JOBS.c.priority, there < here))
    return select(func.count()).select_from(others).where(others.c.status == JobStatus.QUEUED, before).correlate(JOBS)


def _ranked() -> Select[Any]:
    """The `:wanted` jobs, and of each tenant and priority the first one, the most urgent before the others."""
    own = JOBS.c.tenant, JOBS.c.priority
    rank = func.row_number().over(partition_by=own, order_by=(JOBS.c.place, JOBS.c.id))
    queued = (
        select(JOBS.c.id, *own, JOBS.c.place, rank.label("rank"), func.count().over(partition_by=own).label("jobs"))
        .where(JOBS.c.status == JobStatus.QUEUED)
        .subquery()
    )
    told = or_(queued.c.rank == 1, queued.c.id.in_(bindparam("wanted", expanding=True)))
    return select(queued).where(told).order_by(queued.c.priority.desc())


def _busy() -> Select[Any]:
    """How many jobs of each tenant are running."""
    running = select(JOBS.c.tenant, func.count().label("n")).where(JOBS.c.status == JobStatus.RUNNING)
    return running.group_by(JOBS.c.tenant)


# asked with every answer: made once, as making them takes longer than running them
_BUSY, _RANKED, _TURNS = _busy(), _ranked(), select(table_of(TurnRow))
