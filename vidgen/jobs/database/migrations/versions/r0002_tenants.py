"""Deliveries know whose they are, also after their job is gone; lists of one tenant have their indexes."""

import sqlalchemy as sa
from alembic import op

revision = "r0002"
down_revision = "r0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("outbox", sa.Column("tenant", sa.String(), nullable=False, server_default="local"))
    op.create_index("jobs_by_tenant", "jobs", ["tenant", "created_at", "id"])
    op.create_index("outbox_by_tenant", "outbox", ["tenant", "created_at"])


def downgrade() -> None:
    op.drop_index("outbox_by_tenant", "outbox")
    op.drop_index("jobs_by_tenant", "jobs")
    op.drop_column("outbox", "tenant")
