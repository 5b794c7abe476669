"""The tables. Private to the modules of this package that run statements; everybody else sees views.

Times are seconds since 1970 by the database's clock (see clock.py).
"""

from sqlalchemy import Table
from sqlmodel import SQLModel

from vidgen.jobs.database.tables.jobs import ArtifactRow, IdempotencyRow, JobChunkRow, JobEventRow, JobRow, SweepCellRow
from vidgen.jobs.database.tables.kept import MarkRow, PresetRow, UploadRow
from vidgen.jobs.database.tables.people import ApiKeyRow, AuditRow, EndedSessionRow, QuotaRow, TenantDayRow
from vidgen.jobs.database.tables.service import SwitchRow, TallyRow, TurnRow, WorkerRow
from vidgen.jobs.database.tables.webhooks import DeliveryAttemptRow, EndpointRow, OutboxRow

__all__ = [
    "JOBS",
    "ApiKeyRow",
    "ArtifactRow",
    "AuditRow",
    "DeliveryAttemptRow",
    "EndedSessionRow",
    "EndpointRow",
    "IdempotencyRow",
    "JobChunkRow",
    "JobEventRow",
    "JobRow",
    "MarkRow",
    "OutboxRow",
    "PresetRow",
    "QuotaRow",
    "SweepCellRow",
    "SwitchRow",
    "TallyRow",
    "TenantDayRow",
    "TurnRow",
    "UploadRow",
    "WorkerRow",
    "table_of",
]


def table_of(row: type[SQLModel]) -> Table:
    """The table itself, for statements that are made once and run past the unit of work (session.looking)."""
    return SQLModel.metadata.tables[str(row.__tablename__)]


JOBS = table_of(JobRow)
