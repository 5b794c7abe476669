"""Counters that outlive the rows they count: how often, and how long in all. For metrics, never for decisions.

They are written in the transaction of what they count, so they are right with any number of processes, after crashes,
and when retention has removed the jobs.
"""

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, Row, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from vidgen.jobs.database.session import connection_of, writing
from vidgen.jobs.database.tables import JobRow, TallyRow, table_of
from vidgen.spec import JobStatus, Stage

JOBS, CLAIM_SECONDS, RUN_SECONDS, STAGE_SECONDS = "jobs", "claim_seconds", "run_seconds", "stage_seconds"
WEBHOOKS, LEASES_LOST, SURPRISES = "webhook_attempts", "leases_lost", "upkeep_failures"
# upper bounds of the histogram of waits, seconds; the last one takes everything else
CLAIM_BOUNDS = (0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 1800.0, 7200.0, float("inf"))
FAILED = "failed:"


@dataclass(frozen=True, slots=True)
class Tally:
    """How often something happened, and its total in seconds where it takes time."""

    count: int
    total: float


def count(target: Session | Connection, name: str, label: str = "", *, seconds: float = 0.0) -> None:
    """Add one, within the caller's transaction; on PostgreSQL the row stays locked until that ends."""
    values = {"name": name, "label": label, "count": 1, "total": seconds}
    connection = connection_of(target)
    connection.execute(_ADD[connection.dialect.name], values)


ON_THE_WAY = ("progress", "repair")


def count_event(connection: Connection, row: JobRow | Row[Any], kind: str, now: float) -> None:
    """What an event of a job's history adds. Those on the way add nothing."""
    happened = kind.removeprefix("job.")
    if happened in ON_THE_WAY:
        return
    count(connection, JOBS, f"{FAILED}{row.error_code}" if happened == JobStatus.FAILED else happened)
    if happened == JobStatus.RUNNING and row.attempt == 1:
        waited = max(0.0, now - row.run_after)
        bound = CLAIM_BOUNDS[bisect_left(CLAIM_BOUNDS, waited)]
        count(connection, CLAIM_SECONDS, str(bound), seconds=waited)
    if happened == JobStatus.SUCCEEDED and row.started_at is not None:
        count(connection, RUN_SECONDS, row.task, seconds=now - row.started_at)


def tallies(session: Session) -> dict[str, dict[str, Tally]]:
    """All of them, by name and label."""
    found: dict[str, dict[str, Tally]] = {}
    for row in session.scalars(select(TallyRow).order_by(TallyRow.name, TallyRow.label)):
        found.setdefault(row.name, {})[row.label] = Tally(row.count, row.total)
    return found


class StageTimes:
    """Where workers tell how long the stages of an attempt took."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, seconds: Mapping[Stage, float]) -> None:
        """One attempt's stages, in a transaction of their own."""
        with writing(self._engine) as session:
            # in one order everywhere, so that two workers never wait for each other's rows
            for stage in sorted(seconds):
                count(session, STAGE_SECONDS, stage.value, seconds=seconds[stage])


def _sum(new: object) -> dict[str, object]:
    return {name: getattr(TallyRow, name) + getattr(new, name) for name in ("count", "total")}


def _adding(insert: Any) -> Any:
    new = insert(table_of(TallyRow))
    return new.on_conflict_do_update(index_elements=["name", "label"], set_=_sum(new.excluded))


# written with every event: made once, as making it takes longer than running it. The dialects spell it alike, but as
# different classes
_ADD = {"postgresql": _adding(postgresql.insert), "sqlite": _adding(sqlite.insert)}
