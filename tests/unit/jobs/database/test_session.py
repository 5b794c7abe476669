import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlmodel import SQLModel

from tests.jobs_fixtures import make_settings
from vidgen.jobs.database.clock import database_now
from vidgen.jobs.database.session import MIGRATIONS, make_engine, migrate, reading, writing
from vidgen.jobs.service import ControlPlane


def test_migrations_make_exactly_the_tables(plane: ControlPlane) -> None:
    with plane.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), SQLModel.metadata) == []


def test_several_processes_may_migrate_at_once(tmp_path: Path) -> None:
    settings = make_settings(tmp_path)
    program = (
        "from vidgen.jobs.database.session import migrate; from vidgen.jobs.settings import load_settings\n"
        "migrate(load_settings())"
    )
    environment = {**os.environ, "VIDGEN_DATA_DIR": str(tmp_path)}
    processes = [subprocess.Popen([sys.executable, "-c", program], env=environment) for _ in range(2)]
    assert [process.wait(30) for process in processes] == [0, 0]
    migrate(settings)
    engine = make_engine(settings)
    with engine.connect() as connection:
        newest = ScriptDirectory(str(MIGRATIONS)).get_current_head()
        assert MigrationContext.configure(connection).get_current_revision() == newest
    engine.dispose()


@pytest.mark.skipif("VIDGEN_TEST_POSTGRES" in os.environ, reason="about SQLite")
def test_sqlite_is_durable_and_checks_its_keys(plane: ControlPlane) -> None:
    with plane.engine.connect() as connection:
        found = {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in PRAGMAS}
    assert found == PRAGMAS


PRAGMAS = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 15000}


def test_the_clock_has_milliseconds_and_moves(plane: ControlPlane) -> None:
    with reading(plane.engine) as session:
        first = database_now(session)
        time.sleep(0.02)
        second = database_now(session)
    assert abs(first - time.time()) < 60.0
    assert 0.015 < second - first < 60.0


def test_a_reader_does_not_wait_for_a_writer(plane: ControlPlane) -> None:
    with writing(plane.engine) as writer:
        database_now(writer)
        started = time.monotonic()
        with reading(plane.engine) as reader:
            database_now(reader)
    assert time.monotonic() - started < PRAGMAS["busy_timeout"] / 2000
