"""The switch that pauses the queue: queued jobs wait, running ones go on, new ones are still accepted."""

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from vidgen.jobs.database.clock import as_optional_datetime, database_now
from vidgen.jobs.database.session import CLAIM_LOCK, lock, reading, writing
from vidgen.jobs.database.tables import SwitchRow
from vidgen.jobs.views import QueueState

REASON_LIMIT = 200


class QueueSwitch:
    """One switch for all workers of a database; `turns.due` obeys it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def pause(self, reason: str | None = None) -> QueueState:
        """No job is taken after this returns, until `resume`. Pausing a paused queue changes its reason."""
        return self._turn(paused=True, reason=None if reason is None else reason[:REASON_LIMIT])

    def resume(self) -> QueueState:
        return self._turn(paused=False, reason=None)

    def state(self) -> QueueState:
        with reading(self._engine) as session:
            return _view(_row(session))

    def _turn(self, *, paused: bool, reason: str | None) -> QueueState:
        with writing(self._engine) as session:
            # a claim that is under way ends first, so none comes after
            lock(session, CLAIM_LOCK)
            row = _row(session)
            if row.paused != paused or row.reason != reason:
                row.paused, row.reason, row.changed_at = paused, reason, database_now(session)
            return _view(row)


def _row(session: Session) -> SwitchRow:
    return session.get_one(SwitchRow, 1)


def _view(row: SwitchRow) -> QueueState:
    return QueueState(paused=row.paused, reason=row.reason, changed_at=as_optional_datetime(row.changed_at))
