"""The fence: a worker's write counts only while the row still belongs to that very attempt of that very worker."""

from sqlalchemy import ColumnElement, CursorResult, select, update
from sqlalchemy.orm import Session
from sqlmodel import col

from vidgen.errors import VidgenError
from vidgen.jobs.database.tables import JobRow
from vidgen.jobs.views import Claim
from vidgen.spec import JobStatus


class LeaseLost(VidgenError):
    """The job belongs to somebody else by now; whoever sees this drops its work and publishes nothing."""

    code = "lease_lost"

    def __init__(self, claim: Claim) -> None:
        super().__init__(f"{claim.job_id}: attempt {claim.attempt} of {claim.owner} no longer owns the job")


def fenced_row(session: Session, claim: Claim) -> JobRow:
    """The claimed row, locked until this transaction ends; every worker's write starts here. Raises LeaseLost."""
    # an update that changes nothing: it takes the row's lock on every database, and its row count is the verdict
    statement = update(JobRow).where(*_held(claim)).values(owner=claim.owner)
    result = session.execute(statement.execution_options(synchronize_session=False))
    assert isinstance(result, CursorResult)
    if result.rowcount == 0:
        raise LeaseLost(claim)
    return session.get_one(JobRow, claim.job_id)


def still_held(session: Session, claim: Claim) -> JobRow:
    """The claimed row for a look that writes nothing. Raises LeaseLost."""
    row = session.scalar(select(JobRow).where(*_held(claim)))
    if row is None:
        raise LeaseLost(claim)
    return row


def _held(claim: Claim) -> tuple[ColumnElement[bool], ...]:
    return (
        col(JobRow.id) == claim.job_id,
        # the attempt number is the fencing token: it only grows, so a zombie's writes match no row
        col(JobRow.attempt) == claim.attempt,
        col(JobRow.owner) == claim.owner,
        col(JobRow.status) == JobStatus.RUNNING,
    )
