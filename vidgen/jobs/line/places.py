"""The place in the line that people are shown: the coming turns, played ahead by the rule of turns.py.

As things stand: jobs that come, go or end meanwhile are not foreseen.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any, Protocol

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Row,
    Select,
    and_,
    bindparam,
    case,
    func,
    select,
    tuple_,
)
from sqlalchemy.orm import Session

from vidgen.jobs.database.tables import JOBS, JobRow, TurnRow, table_of
from vidgen.spec import JobStatus


class _Head(Protocol):
    """The first of the `jobs` that a tenant has waiting at one priority."""

    id: str
    tenant: str
    priority: int
    place: float
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
    return case((and_(queued, first == last), 1 + _ahead()))


def places_in_line(session: Session | Connection, rows: Sequence[JobRow | Row[Any]]) -> dict[str, int]:
    """1 is the next to run."""
    if not rows:
        return {}
    running = Counter({row.tenant: row.n for row in session.execute(_BUSY)})
    turns = Counter({row.tenant: row.n for row in session.execute(_TURNS)})
    wanted = session.execute(_RANKED, {"wanted": [row.id for row in rows]}).all()
    return _played(session.execute(_HEADS), wanted, running, turns)


def _played(
    heads: Iterable[Any], wanted: Sequence[Any], running: "Counter[str]", turns: "Counter[str]"
) -> dict[str, int]:
    """The places of the `wanted` jobs; `running` and `turns` of their tenants are moved on priority by priority."""
    places, taken, latest = {}, 0, max(turns.values(), default=0)
    for priority, equals in groupby(heads, key=lambda head: head.priority):
        rounds = _Rounds(equals, running, turns)
        here = (job for job in wanted if job.priority == priority)
        places.update({job.id: 1 + taken + rounds.before(job.tenant, job.rank) for job in here})
        for head in rounds.heads_by_last_turn():
            running[head.tenant] += head.jobs
            taken += head.jobs
            turns[head.tenant] = latest = latest + 1
    return places


class _Rounds:
    """The turns at one priority. A tenant's turns come in the rounds that are numbered by its running jobs.

    Who joins in a later round has waited longest by then, so it comes first in that one and those after it.
    """

    def __init__(self, heads: Iterable[_Head], running: "Counter[str]", turns: "Counter[str]") -> None:
        self._heads = sorted(heads, key=lambda it: (-running[it.tenant], turns[it.tenant], it.place, it.id))
        self._first = [running[head.tenant] for head in self._heads]
        self._order = {head.tenant: n for n, head in enumerate(self._heads)}

    def before(self, tenant: str, rank: int) -> int:
        """How many jobs of this priority are taken before the `rank`-th of this tenant."""
        own = self._order[tenant]
        at = self._first[own] + rank - 1
        heads = enumerate(zip(self._heads, self._first, strict=True))
        return sum(min(head.jobs, max(0, at - first + (n < own))) for n, (head, first) in heads)

    def heads_by_last_turn(self) -> list[_Head]:
        """The tenant whose last turn at this priority comes first, first."""
        ends = zip(self._heads, self._first, strict=True)
        # sorting keeps the order of those that end in the same round
        return [head for head, _ in sorted(ends, key=lambda it: it[1] + it[0].jobs)]


def _ahead() -> ColumnElement[int]:
    """How many queued jobs come before the one in JOBS.

    Two counts, each of one stretch of the index jobs_by_queue: an "or" of them would walk the whole line instead.
    """
    others = JOBS.alias("ahead")
    count = select(func.count()).select_from(others).where(others.c.status == JobStatus.QUEUED).correlate(JOBS)
    more_urgent = count.where(others.c.priority > JOBS.c.priority)
    earlier = count.where(others.c.priority == JOBS.c.priority, _is_earlier(others))
    return more_urgent.scalar_subquery() + earlier.scalar_subquery()


def _is_earlier(others: FromClause) -> ColumnElement[bool]:
    here, there = (tuple_(table.c.place, table.c.id) for table in (JOBS, others))
    return there < here


def _ranked() -> Select[Any]:
    """The `:wanted` jobs that wait, each with its number among those of its tenant and priority."""
    others = JOBS.alias("own")
    same = [others.c[name] == JOBS.c[name] for name in ("status", "tenant", "priority")]
    earlier = select(func.count()).select_from(others).where(*same, _is_earlier(others)).correlate(JOBS)
    wanted = JOBS.c.id.in_(bindparam("wanted", expanding=True)), JOBS.c.status == JobStatus.QUEUED
    rank = (1 + earlier.scalar_subquery()).label("rank")
    return select(JOBS.c.id, JOBS.c.tenant, JOBS.c.priority, rank).where(*wanted)


def _heads() -> Select[Any]:
    """Of each tenant and priority the first job that waits and how many there are, the most urgent before the others.

    The index jobs_by_turn answers it without a look at the table.
    """
    own = JOBS.c.tenant, JOBS.c.priority
    groups = select(*own, func.min(JOBS.c.place).label("place"), func.count().label("jobs"))
    groups = groups.where(JOBS.c.status == JobStatus.QUEUED).group_by(*own)
    each = groups.subquery()
    first = JOBS.alias("first")
    same = [first.c[name] == each.c[name] for name in ("tenant", "priority", "place")]
    head = select(func.min(first.c.id)).where(first.c.status == JobStatus.QUEUED, *same).scalar_subquery()
    return select(each, head.label("id")).order_by(each.c.priority.desc())


def _busy() -> Select[Any]:
    """How many jobs of each tenant are running."""
    running = select(JOBS.c.tenant, func.count().label("n")).where(JOBS.c.status == JobStatus.RUNNING)
    return running.group_by(JOBS.c.tenant)


# asked with every answer: made once, as making them takes longer than running them
_BUSY, _HEADS, _RANKED, _TURNS = _busy(), _heads(), _ranked(), select(table_of(TurnRow))
