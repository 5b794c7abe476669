"""Writes that share a commit: whoever comes while a commit is under way joins the next one.

A commit that outlasts a power cut costs a sync of the disk, ten milliseconds and more; threads that each wait
for their own take turns at it, and on SQLite they also sleep between tries for the write lock. Together they pay once.
Nobody is answered before the commit that holds their write, so nothing is promised earlier than before.
"""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from sqlalchemy import Connection, Engine

from vidgen.errors import VidgenError

Result = TypeVar("Result")


class BrokenOff(Exception):
    """The write was not seen through; nobody knows that it was committed."""


class GroupedWrites:
    """For one process; others are kept apart by the database. Each piece of work stands or falls alone."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._turn = threading.Condition()
        self._writing = False
        self._waiting: list[_Piece[object]] = []

    def run(self, work: Callable[[Connection], Result]) -> Result:
        """`work(connection)` in a transaction, committed on return. Raises what `work` or the commit raises."""
        piece = _Piece(work)
        with self._turn:
            self._waiting.append(piece)  # type: ignore[arg-type]
            while self._writing and not piece.done:
                self._turn.wait()
            if piece.done:
                return piece.outcome()
            self._writing, group, self._waiting = True, self._waiting, []
        try:
            self._write(group)
        finally:
            with self._turn:
                for member in group:
                    member.break_off()
                self._writing = False
                self._turn.notify_all()
        return piece.outcome()

    def _write(self, group: "list[_Piece[object]]") -> None:
        committing = False
        try:
            with self._engine.begin() as connection:
                for piece in group:
                    piece.do(connection, alone=len(group) == 1)
                committing = True
        except Exception as error:
            if committing or len(group) == 1:
                # after a failed commit nobody knows what the disk holds: doing it again might do it twice
                for piece in group:
                    piece.fail(error)
            else:
                # nothing of it was committed: each for itself, so that only the one that broke it is told
                for piece in group:
                    self._write([piece])
        else:
            for piece in group:
                piece.done = True


class _Piece(Generic[Result]):
    """Somebody's work and what became of it."""

    def __init__(self, work: Callable[[Connection], Result]) -> None:
        self._work = work
        self._result: Result | None = None
        self._error: Exception | None = None
        self.done = False

    def do(self, connection: Connection, *, alone: bool) -> None:
        """A refusal takes back this piece only; any other error takes back the whole transaction."""
        self._error = None
        if alone:
            self._result = self._work(connection)
            return
        # Connection.begin_nested takes several times as long: it makes and compiles a new name each time
        connection.exec_driver_sql("SAVEPOINT piece")
        try:
            self._result = self._work(connection)
        except VidgenError as error:
            self._error = error
            connection.exec_driver_sql("ROLLBACK TO SAVEPOINT piece")
        connection.exec_driver_sql("RELEASE SAVEPOINT piece")

    def fail(self, error: Exception) -> None:
        self._error, self.done = error, True

    def break_off(self) -> None:
        """Whatever ended the writing thread took this piece's transaction with it, and its result."""
        if not self.done:
            self.fail(BrokenOff("the thread that was writing this was ended"))

    def outcome(self) -> Result:
        if self._error is not None:
            raise self._error
        return self._result  # type: ignore[return-value]
