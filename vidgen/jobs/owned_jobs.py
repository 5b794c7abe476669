"""Where every change of a job by its owner begins: the row, if the caller's tenant has it, locked."""

from sqlalchemy import Engine, Select, select
from sqlalchemy.orm import Session
from sqlmodel import col

from vidgen.errors import VidgenError
from vidgen.jobs.database.tables import JobRow
from vidgen.jobs.tenants.tenancy import Tenanted


class OwnedJobs(Tenanted):
    """Rows of one tenant's jobs, or of all tenants'."""

    _engine: Engine

    def _one(self, job_id: str) -> Select[JobRow]:
        return select(JobRow).where(col(JobRow.id) == job_id, self._visible(col(JobRow.tenant)))

    def _existing(self, session: Session, job_id: str) -> JobRow:
        """The row, locked until this transaction ends. Raises not_found."""
        row = session.scalar(self._one(job_id).with_for_update())
        if row is None:
            raise VidgenError(f"{job_id}: no such job", code="not_found")
        return row
