"""Who works right now: rows that workers refresh, for health answers and the portal. Decides nothing about leases."""

import math
import os
import socket
import time

from sqlalchemy import Double, Engine, bindparam, delete, select
from sqlmodel import col

from vidgen.jobs.database.clock import DatabaseNow, as_datetime, database_now
from vidgen.jobs.database.session import looking, writing
from vidgen.jobs.database.tables import WorkerRow, table_of
from vidgen.jobs.views import Capacity, Worker

FORGET_SECONDS = 3600.0
# a live worker says so every five seconds
ALIVE_SECONDS = 30.0
LATELY_SECONDS = 1.0

_WORKERS = table_of(WorkerRow)
# asked with every new job: made once, as making it takes longer than running it
_ALIVE = (
    select(_WORKERS)
    .where(_WORKERS.c.seen_at >= DatabaseNow() - bindparam("within", type_=Double()))
    .order_by(_WORKERS.c.started_at)
)


class Presence:
    """The table of workers."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        # when this process looked last, and what it saw
        self._seen: tuple[float, tuple[Capacity, ...]] = (-math.inf, ())

    def beat(self, worker_id: str, job_id: str | None, capacity: Capacity | None = None) -> None:
        """This process says that it is alive and what it works on; long silent ones are forgotten."""
        with writing(self._engine) as session:
            now = database_now(session)
            row = session.get(WorkerRow, worker_id)
            if row is None:
                row = WorkerRow(id=worker_id, host=socket.gethostname(), pid=os.getpid(), started_at=now, seen_at=now)
                session.add(row)
            row.job_id, row.seen_at = job_id, now
            if capacity is not None:
                row.device, row.memory_mb = capacity.device, capacity.memory_mb
            session.execute(delete(WorkerRow).where(col(WorkerRow.seen_at) < now - FORGET_SECONDS))

    def leave(self, worker_id: str) -> None:
        with writing(self._engine) as session:
            session.execute(delete(WorkerRow).where(col(WorkerRow.id) == worker_id))

    def lately(self) -> tuple[Capacity, ...]:
        """What the live workers can hold, as this process knew it within the last second: many jobs come at once."""
        at, seen = self._seen
        if time.monotonic() - at > LATELY_SECONDS:
            seen = tuple(worker.capacity for worker in self.alive())
            self._seen = time.monotonic(), seen
        return seen

    def alive(self, within_seconds: float = ALIVE_SECONDS) -> tuple[Worker, ...]:
        """Workers that said something so recently, oldest first."""
        with looking(self._engine) as connection:
            rows = connection.execute(_ALIVE, {"within": within_seconds})
            return tuple(
                Worker(
                    id=row.id,
                    host=row.host,
                    pid=row.pid,
                    job_id=row.job_id,
                    device=row.device,
                    memory_mb=row.memory_mb,
                    started_at=as_datetime(row.started_at),
                    seen_at=as_datetime(row.seen_at),
                )
                for row in rows
            )
