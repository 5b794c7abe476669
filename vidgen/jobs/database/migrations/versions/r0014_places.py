"""One index tells the line of every tenant, and how long it is, without a look at the jobs."""

from alembic import op

revision = "r0014"
down_revision = "r0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index("jobs_by_turn", "jobs")
    op.drop_index("jobs_by_tenant_status", "jobs")
    op.create_index("jobs_by_turn", "jobs", ["status", "tenant", "priority", "place", "id"])


def downgrade() -> None:
    op.drop_index("jobs_by_turn", "jobs")
    op.create_index("jobs_by_turn", "jobs", ["status", "tenant"])
    op.create_index("jobs_by_tenant_status", "jobs", ["tenant", "status"])
