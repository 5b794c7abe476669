"""Which chunk of a long clip is in hand."""

import sqlalchemy as sa
from alembic import op

revision = "r0017"
down_revision = "r0016"
branch_labels = None
depends_on = None

COLUMNS = ("chunk", "total_chunks")


def upgrade() -> None:
    with op.batch_alter_table("jobs") as table:
        for name in COLUMNS:
            table.add_column(sa.Column(name, sa.Integer(), nullable=False, server_default="0"))


def downgrade() -> None:
    with op.batch_alter_table("jobs") as table:
        for name in COLUMNS:
            table.drop_column(name)
