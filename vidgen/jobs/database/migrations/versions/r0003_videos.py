"""Jobs know whose words announce their end, and whose clip they were made from."""

import sqlalchemy as sa
from alembic import op

revision = "r0003"
down_revision = "r0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("jobs", sa.Column("dialect", sa.String(), nullable=False, server_default="job"))
    op.add_column("jobs", sa.Column("source_job_id", sa.String(), nullable=True))


def downgrade() -> None:
    op.drop_column("jobs", "source_job_id")
    op.drop_column("jobs", "dialect")
