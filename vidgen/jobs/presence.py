"""Who works right now: rows that workers refresh, for health answers and the portal. Decides nothing about leases."""

import os
import socket

from sqlalchemy import Engine, delete, select
from sqlmodel import col

from vidgen.jobs.clock import as_datetime, database_now
from vidgen.jobs.session import reading, writing
from vidgen.jobs.tables import WorkerRow
from vidgen.jobs.views import Capacity, Worker

FORGET_SECONDS = 3600.0
# a live worker says so every five seconds
ALIVE_SECONDS = 30.0


class Presence:
    """The table of workers."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

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

    def alive(self, within_seconds: float = ALIVE_SECONDS) -> tuple[Worker, ...]:
        """Workers that said something so recently, oldest first."""
        with reading(self._engine) as session:
            recent = col(WorkerRow.seen_at) >= database_now(session) - within_seconds
            rows = session.scalars(select(WorkerRow).where(recent).order_by(col(WorkerRow.started_at)))
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
