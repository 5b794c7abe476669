"""Events know their tenant, so that a stream reads its own rows and nobody else's."""

import sqlalchemy as sa
from alembic import op

revision = "r0012"
down_revision = "r0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("job_events", sa.Column("tenant", sa.String(), nullable=False, server_default="local"))
    op.execute("UPDATE job_events SET tenant = (SELECT tenant FROM jobs WHERE jobs.id = job_events.job_id)")
    op.create_index("job_events_by_tenant", "job_events", ["tenant", "id"])
    op.create_index("job_events_by_job", "job_events", ["job_id", "id"])
    op.drop_index("ix_job_events_job_id", "job_events")


def downgrade() -> None:
    op.create_index("ix_job_events_job_id", "job_events", ["job_id"])
    op.drop_index("job_events_by_job", "job_events")
    op.drop_index("job_events_by_tenant", "job_events")
    op.drop_column("job_events", "tenant")
