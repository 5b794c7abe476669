"""Data that an earlier version stored comes through an upgrade, and back."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, text

from tests.jobs_fixtures import make_settings, make_spec
from vidgen.jobs.database.session import MIGRATIONS, make_engine
from vidgen.jobs.repository import JobRepository

# a key may hold spaces, and look like one that was rewritten already
KEYS = ("mine", "local mine", "two words")
JOB = {
    "status": "succeeded",
    "tenant": "local",
    "attempt": 1,
    "excused": 0,
    "max_attempts": 3,
    "round": 0,
    "run_after": 1.0,
    "priority": 0,
    "cancel_requested": False,
    "task": "text_to_video",
    "model": "sprites-64",
    "model_revision": "1",
    "spec": make_spec().model_dump_json(),
    "spec_hash": "0" * 64,
    "progress": 1.0,
    "step": 0,
    "total_steps": 0,
    "preview_version": 0,
    "error_retryable": False,
    "created_at": 1.0,
    "expires_at": 9e9,
}


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    opened = make_engine(make_settings(tmp_path, database_url=f"sqlite:///{tmp_path / 'old.db'}"))
    yield opened
    opened.dispose()


def bring(engine: Engine, revision: str) -> None:
    """Up or down to a revision."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        (command.upgrade if revision == "head" or not _is_made(connection) else command.downgrade)(config, revision)


def _is_made(connection: Connection) -> bool:
    return connection.dialect.has_table(connection, "jobs")


def insert(engine: Engine, table: str, **values: object) -> None:
    names = ", ".join(values)
    with engine.begin() as connection:
        places = ", ".join(f":{name}" for name in values)
        connection.execute(text(f"INSERT INTO {table} ({names}) VALUES ({places})"), values)


def stored_keys(engine: Engine) -> dict[str, str]:
    with engine.connect() as connection:
        return {row.key: row.job_id for row in connection.execute(text("SELECT key, job_id FROM idempotency_keys"))}


def use_key(engine: Engine, key: str, job_id: str, created_at: float = 1.0) -> None:
    insert(engine, "idempotency_keys", tenant="local", key=key, body_hash="h", job_id=job_id, created_at=created_at)


def test_a_request_from_before_the_upgrade_is_known_after_it(engine: Engine) -> None:
    """Fails when r0007 leaves the keys as they are: tried, a replay then found nothing and made a second job."""
    bring(engine, "r0001")
    for n, key in enumerate(KEYS):
        insert(engine, "jobs", id=f"job_{n}", **JOB)
        use_key(engine, key, f"job_{n}")
    bring(engine, "head")
    own = JobRepository(engine).of("local", "local")
    replayed = [own.replayed(key, "h") for key in KEYS]
    assert [job and job.id for job in replayed] == ["job_0", "job_1", "job_2"]
    made = own.create(make_spec(), model_revision="1", max_queued=9, idempotency_key="mine", body_hash="h")
    assert (made.replayed, made.job.id) == (True, "job_0")
    bring(engine, "r0001")
    assert stored_keys(engine) == {key: f"job_{n}" for n, key in enumerate(KEYS)}


def test_of_a_key_that_two_senders_used_a_downgrade_keeps_the_first(engine: Engine) -> None:
    bring(engine, "r0001")
    for job_id in ("job_0", "job_1"):
        insert(engine, "jobs", id=job_id, **JOB)
    bring(engine, "head")
    use_key(engine, "key_b mine", "job_1", created_at=2.0)
    use_key(engine, "key_a mine", "job_0", created_at=1.0)
    bring(engine, "r0001")
    assert stored_keys(engine) == {"mine": "job_0"}
    bring(engine, "head")
    assert stored_keys(engine) == {"local mine": "job_0"}


def test_events_learn_their_tenant_from_their_job(engine: Engine) -> None:
    """Fails when r0012 leaves all of them to the tenant `local`: tried."""
    bring(engine, "r0011")
    insert(engine, "jobs", id="job_0", **{**JOB, "tenant": "anna"}, place=0.0)
    insert(engine, "job_events", job_id="job_0", kind="job.queued", data="{}", created_at=1.0)
    bring(engine, "head")
    assert [it.job_id for it in JobRepository(engine).of("anna").events(0)] == ["job_0"]
    assert JobRepository(engine).of("local").events(0) == []


def test_events_that_older_workers_wrote_before_this_upgrade_are_given_back(engine: Engine) -> None:
    """Fails when r0019 makes its trigger alone: tried."""
    bring(engine, "r0018")
    insert(engine, "jobs", id="job_0", **{**JOB, "tenant": "anna"}, place=0.0)
    insert(engine, "job_events", job_id="job_0", kind="job.queued", data="{}", created_at=1.0)
    bring(engine, "head")
    assert [it.job_id for it in JobRepository(engine).of("anna").events(0)] == ["job_0"]
