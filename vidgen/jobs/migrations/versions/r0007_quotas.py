"""Limits of tenants, and how many jobs each queued on each day."""

import sqlalchemy as sa
from alembic import op

revision = "r0007"
down_revision = "r0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "tenant_quotas",
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("max_queued", sa.Integer(), nullable=True),
        sa.Column("max_running", sa.Integer(), nullable=True),
        sa.Column("max_jobs_per_day", sa.Integer(), nullable=True),
        sa.Column("max_storage_mb", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("tenant"),
    )
    op.create_table(
        "tenant_days",
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("jobs", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "day"),
    )
    op.create_index("uploads_by_tenant", "uploads", ["tenant"])
    op.create_index("jobs_by_tenant_status", "jobs", ["tenant", "status"])


def downgrade() -> None:
    op.drop_index("jobs_by_tenant_status", "jobs")
    op.drop_index("uploads_by_tenant", "uploads")
    op.drop_table("tenant_days")
    op.drop_table("tenant_quotas")
