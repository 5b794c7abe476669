"""Which chunk of a long clip is in hand."""

import sqlalchemy as sa
from alembic import op

revision = "r0017"
down_revision = "r0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # column by column: a batch would make the table anew on SQLite, and what refers to its rows would go with them
    op.add_column("jobs", sa.Column("chunk", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("jobs", sa.Column("total_chunks", sa.Integer(), nullable=False, server_default="0"))


def downgrade() -> None:
    op.drop_column("jobs", "total_chunks")
    op.drop_column("jobs", "chunk")
