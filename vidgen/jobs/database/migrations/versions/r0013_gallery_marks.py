"""Stars and projects of clips."""

import sqlalchemy as sa
from alembic import op

revision = "r0013"
down_revision = "r0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "gallery_marks",
        sa.Column("job_id", sa.String(), sa.ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False),
        sa.Column("starred", sa.Boolean(), nullable=False),
        sa.Column("project", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("job_id"),
    )
    op.create_index("gallery_marks_by_project", "gallery_marks", ["project"])


def downgrade() -> None:
    op.drop_index("gallery_marks_by_project", "gallery_marks")
    op.drop_table("gallery_marks")
