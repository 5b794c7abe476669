"""Jobs that are to go as soon as they have ended."""

import sqlalchemy as sa
from alembic import op

revision = "r0010"
down_revision = "r0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("jobs", sa.Column("delete_requested", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_index(
        "jobs_to_delete",
        "jobs",
        ["delete_requested"],
        sqlite_where=sa.text("delete_requested = 1"),
        postgresql_where=sa.text("delete_requested"),
    )


def downgrade() -> None:
    op.drop_index("jobs_to_delete", "jobs")
    op.drop_column("jobs", "delete_requested")
