"""What steers the queue: places, start deadlines, edits, stops, memory, a switch that pauses it, workers' sizes."""

import sqlalchemy as sa
from alembic import op

revision = "r0004"
down_revision = "r0003"
branch_labels = None
depends_on = None

NORMAL_PRIORITY = 5


def upgrade() -> None:
    op.drop_index("jobs_by_queue", "jobs")
    op.add_column("jobs", sa.Column("place", sa.Double(), nullable=False, server_default="0"))
    op.add_column("jobs", sa.Column("start_deadline", sa.Double(), nullable=True))
    op.add_column("jobs", sa.Column("version", sa.Integer(), nullable=False, server_default="1"))
    op.add_column("jobs", sa.Column("stop_requested", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("jobs", sa.Column("memory_tier", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("jobs", sa.Column("memory_need", sa.JSON(), nullable=True))
    op.add_column("jobs", sa.Column("problem_code", sa.String(), nullable=True))
    op.add_column("jobs", sa.Column("problem_message", sa.String(), nullable=True))
    # nobody could choose a priority before; the line keeps its order
    op.execute(sa.text(f"UPDATE jobs SET place = run_after, priority = {NORMAL_PRIORITY}"))
    op.create_index("jobs_by_queue", "jobs", ["status", "priority", "place", "id"])
    op.create_index("jobs_by_turn", "jobs", ["status", "tenant"])

    op.add_column("workers", sa.Column("device", sa.String(), nullable=True))
    op.add_column("workers", sa.Column("memory_mb", sa.Integer(), nullable=True))
    op.add_column("job_chunks", sa.Column("attempt", sa.Integer(), nullable=False, server_default="0"))

    switch = op.create_table(
        "queue_switch",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("paused", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("changed_at", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.bulk_insert(switch, [{"id": 1, "paused": False, "reason": None, "changed_at": None}])


def downgrade() -> None:
    op.drop_table("queue_switch")
    op.drop_column("job_chunks", "attempt")
    op.drop_column("workers", "memory_mb")
    op.drop_column("workers", "device")
    op.drop_index("jobs_by_turn", "jobs")
    op.drop_index("jobs_by_queue", "jobs")
    for column in (
        "problem_message",
        "problem_code",
        "memory_need",
        "memory_tier",
        "stop_requested",
        "version",
        "start_deadline",
        "place",
    ):
        op.drop_column("jobs", column)
    op.create_index("jobs_by_queue", "jobs", ["status", "priority", "run_after", "created_at"])
