"""Sweeps: which job is which cell."""

import sqlalchemy as sa
from alembic import op

revision = "r0016"
down_revision = "r0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sweep_cells",
        sa.Column("job_id", sa.String(), sa.ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False),
        sa.Column("sweep_id", sa.String(), nullable=False),
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("across", sa.Integer(), nullable=False),
        sa.Column("down", sa.Integer(), nullable=False),
        sa.Column("axes", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("job_id"),
    )
    op.create_index("sweep_cells_by_sweep", "sweep_cells", ["sweep_id"])
    op.create_index("sweep_cells_by_tenant", "sweep_cells", ["tenant", "created_at"])


def downgrade() -> None:
    op.drop_index("sweep_cells_by_tenant", "sweep_cells")
    op.drop_index("sweep_cells_by_sweep", "sweep_cells")
    op.drop_table("sweep_cells")
