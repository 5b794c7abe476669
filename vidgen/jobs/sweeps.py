"""Sweeps: jobs that were queued together and differ in one or two fields. Knows nothing of their sheet."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Engine, Row, func, insert, select
from sqlmodel import col

from vidgen.jobs.database.clock import as_datetime, database_now
from vidgen.jobs.database.session import reading
from vidgen.jobs.database.tables import JobRow, SweepCellRow, table_of
from vidgen.jobs.ids import new_id
from vidgen.jobs.new_job import NewJob
from vidgen.jobs.reading import job_views
from vidgen.jobs.repository import JobRepository
from vidgen.jobs.tenants.tenancy import Tenanted
from vidgen.jobs.views import Job
from vidgen.spec.sweep import Axis

CELLS = table_of(SweepCellRow)
MOST_LISTED = 50


@dataclass(frozen=True, slots=True)
class Placed:
    """A job of a sweep and its place: `column` by the first axis, `row` by the second."""

    job: Job
    column: int
    row: int


@dataclass(frozen=True, slots=True)
class Sweep:
    """Jobs that were deleted since are missing from `cells`."""

    id: str
    created_at: datetime
    axes: tuple[Axis, ...]
    cells: tuple[Placed, ...]


@dataclass(frozen=True, slots=True)
class NewCell:
    """A job that is to be queued, and its place."""

    job: NewJob
    column: int
    row: int


class SweepRepository(Tenanted):
    """Those of one tenant, or of all."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def create(
        self, jobs: JobRepository, cells: Sequence[NewCell], axes: Sequence[Axis], max_queued: int
    ) -> tuple[Sweep, bool]:
        """Queue all jobs or none; also says whether the request made its sweep before. Raises as JobRepository.create.

        An idempotency key is that of the first job.
        """
        sweep_id = new_id("swp")
        told = [{"field": axis.field, "values": list(axis.values)} for axis in axes]

        def place(connection: Connection, job_ids: Sequence[str]) -> None:
            now = database_now(connection)
            shared = {"sweep_id": sweep_id, "tenant": self._owner, "axes": told, "created_at": now}
            for job_id, cell in zip(job_ids, cells, strict=True):
                connection.execute(insert(CELLS), {**shared, "job_id": job_id, "across": cell.column, "down": cell.row})

        first, *_ = jobs.create_all([cell.job for cell in cells], max_queued=max_queued, also=place)
        found = self.of_job(first.job.id)
        assert found is not None, sweep_id
        return found, first.replayed

    def get(self, sweep_id: str) -> Sweep | None:
        with reading(self._engine) as session:
            own = col(SweepCellRow.sweep_id) == sweep_id, self._visible(col(SweepCellRow.tenant))
            rows = session.execute(select(CELLS).where(*own).order_by(CELLS.c.down, CELLS.c.across)).all()
            if not rows:
                return None
            ids = [row.job_id for row in rows]
            found = session.scalars(select(JobRow).where(col(JobRow.id).in_(ids))).all()
            jobs = {job.id: job for job in job_views(session, found)}
            return _sweep(rows, [Placed(jobs[row.job_id], row.across, row.down) for row in rows])

    def of_job(self, job_id: str) -> Sweep | None:
        """The sweep that a job is a cell of."""
        with reading(self._engine) as session:
            own = col(SweepCellRow.job_id) == job_id, self._visible(col(SweepCellRow.tenant))
            sweep_id = session.scalar(select(col(SweepCellRow.sweep_id)).where(*own))
        return None if sweep_id is None else self.get(sweep_id)

    def newest(self) -> Sequence[Sweep]:
        """The newest ones of which there is a job left."""
        grouped = select(CELLS.c.sweep_id).where(self._visible(col(SweepCellRow.tenant))).group_by(CELLS.c.sweep_id)
        with reading(self._engine) as session:
            ids = session.scalars(grouped.order_by(func.min(CELLS.c.created_at).desc()).limit(MOST_LISTED)).all()
        return [sweep for sweep in map(self.get, ids) if sweep is not None]


def _sweep(rows: Sequence[Row[tuple[object, ...]]], cells: Sequence[Placed]) -> Sweep:
    first = rows[0]._mapping
    axes = tuple(Axis(axis["field"], tuple(axis["values"])) for axis in first["axes"])
    return Sweep(first["sweep_id"], as_datetime(first["created_at"]), axes, tuple(cells))
