"""Limits of tenants, how many jobs each queued on each day, and idempotency keys that are those of one actor."""

import sqlalchemy as sa
from alembic import op

revision = "r0007"
down_revision = "r0006"
branch_labels = None
depends_on = None

# nobody but this machine's own user could send keys that were kept without their sender
OWN_USER = "local"
# no key holds it; without it a key could meet one that is still to be changed in the middle of the statement
UNDER_WAY = "\x01"


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
    _mark_keys()
    _rewrite_keys(":owner || ' ' || substr(key, 2)", owner=OWN_USER)


def downgrade() -> None:
    # senders are not told apart any more: of a key that several of them used the first stays
    keys = sa.text("SELECT tenant, key FROM idempotency_keys ORDER BY created_at, job_id")
    seen = set()
    for tenant, key in op.get_bind().execute(keys).all():
        plain = tenant, key.partition(" ")[2]
        if plain in seen:
            gone = sa.text("DELETE FROM idempotency_keys WHERE tenant = :tenant AND key = :key")
            op.execute(gone.bindparams(tenant=tenant, key=key))
        seen.add(plain)
    _mark_keys()
    separator = "strpos(key, ' ')" if op.get_bind().dialect.name == "postgresql" else "instr(key, ' ')"
    _rewrite_keys(f"substr(key, {separator} + 1)")
    op.drop_index("jobs_by_tenant_status", "jobs")
    op.drop_index("uploads_by_tenant", "uploads")
    op.drop_table("tenant_days")
    op.drop_table("tenant_quotas")


def _mark_keys() -> None:
    _rewrite_keys(":mark || key", mark=UNDER_WAY)


def _rewrite_keys(key: str, **values: str) -> None:
    op.execute(sa.text(f"UPDATE idempotency_keys SET key = {key}").bindparams(**values))
