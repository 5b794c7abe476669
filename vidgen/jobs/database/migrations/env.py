"""Run by Alembic. The connection comes from session.migrate, which holds the lock and the transaction."""

from alembic import context
from sqlmodel import SQLModel

from vidgen.jobs.database import tables

assert tables.JobRow.metadata is SQLModel.metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SQLModel.metadata,
    transactional_ddl=True,
    render_as_batch=True,
)
context.run_migrations()
