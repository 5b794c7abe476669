"""Who had its turn when, so that tenants take turns also where nothing else runs."""

import sqlalchemy as sa
from alembic import op

revision = "r0009"
down_revision = "r0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "tenant_turns",
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant"),
    )
    op.create_index("tenant_turns_by_number", "tenant_turns", ["n"])


def downgrade() -> None:
    op.drop_index("tenant_turns_by_number", "tenant_turns")
    op.drop_table("tenant_turns")
