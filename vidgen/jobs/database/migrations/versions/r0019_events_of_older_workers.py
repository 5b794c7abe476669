"""Events that name no tenant get their job's: workers of a version before r0012 go on writing such while others have
been replaced already. Later versions may drop the trigger; one that makes `jobs` anew on SQLite must drop it before.
"""

from alembic import op

revision = "r0019"
down_revision = "r0018"
branch_labels = None
depends_on = None

REPAIR = (
    "UPDATE job_events SET tenant = (SELECT tenant FROM jobs WHERE jobs.id = job_events.job_id) "
    "WHERE tenant = 'local' AND job_id IN (SELECT id FROM jobs WHERE jobs.tenant <> 'local')"
)
# `local` is what the column says by itself, and what the events of most installations say rightly
SQLITE = (
    "CREATE TRIGGER job_events_tenant AFTER INSERT ON job_events WHEN NEW.tenant = 'local' "
    "AND EXISTS (SELECT 1 FROM jobs WHERE jobs.id = NEW.job_id AND jobs.tenant <> 'local') "
    "BEGIN UPDATE job_events SET tenant = (SELECT tenant FROM jobs WHERE jobs.id = NEW.job_id) WHERE id = NEW.id; END",
)
POSTGRESQL = (
    "CREATE FUNCTION job_events_tenant() RETURNS trigger LANGUAGE plpgsql AS "
    "$$ BEGIN SELECT tenant INTO NEW.tenant FROM jobs WHERE jobs.id = NEW.job_id; RETURN NEW; END $$",
    "CREATE TRIGGER job_events_tenant BEFORE INSERT ON job_events FOR EACH ROW WHEN (NEW.tenant = 'local') "
    "EXECUTE FUNCTION job_events_tenant()",
)


def upgrade() -> None:
    op.execute(REPAIR)
    for statement in SQLITE if op.get_bind().dialect.name == "sqlite" else POSTGRESQL:
        op.execute(statement)


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TRIGGER job_events_tenant")
    else:
        op.execute("DROP TRIGGER job_events_tenant ON job_events")
        op.execute("DROP FUNCTION job_events_tenant()")
