"""A log of the attempts at each delivery, and why an endpoint gets none."""

import sqlalchemy as sa
from alembic import op

revision = "r0008"
down_revision = "r0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "delivery_attempts",
        sa.Column("delivery_id", sa.String(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.Double(), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=True),
        sa.Column("status_code", sa.Integer(), nullable=True),
        sa.Column("error", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["delivery_id"], ["outbox.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("delivery_id", "n"),
    )
    op.add_column("outbox", sa.Column("excused", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("webhook_endpoints", sa.Column("failing_since", sa.Double(), nullable=True))
    op.add_column("webhook_endpoints", sa.Column("disabled_reason", sa.String(), nullable=True))
    op.add_column("webhook_endpoints", sa.Column("disabled_at", sa.Double(), nullable=True))
    op.create_index("outbox_by_age", "outbox", ["created_at"])


def downgrade() -> None:
    op.drop_index("outbox_by_age", "outbox")
    op.drop_column("webhook_endpoints", "disabled_at")
    op.drop_column("webhook_endpoints", "disabled_reason")
    op.drop_column("webhook_endpoints", "failing_since")
    op.drop_column("outbox", "excused")
    op.drop_table("delivery_attempts")
