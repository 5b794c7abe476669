"""A migrated control plane in a temporary folder, and specs that need no model. For tests of jobs and workers."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from secrets import token_hex
from tempfile import mkdtemp
from typing import Any

from sqlalchemy import create_engine, make_url, text

from vidgen.jobs.database.session import migrate
from vidgen.jobs.service import ControlPlane, open_control_plane
from vidgen.jobs.settings import Settings
from vidgen.jobs.views import Job
from vidgen.spec import TextToVideo

# databases of tests on PostgreSQL are called this and a number
TEST = "test_"
QUICK: dict[str, Any] = {
    "lease_seconds": 2.0,
    "heartbeat_seconds": 0.4,
    "poll_seconds": 0.1,
    "cancel_grace_seconds": 2.0,
    "webhook_allow_private": ("127.0.0.0/8",),
}


def make_settings(folder: Path, **changes: Any) -> Settings:
    """Quick leases and polls; loopback allowed as a webhook receiver."""
    return Settings(data_dir=folder, **{**QUICK, **changes})


@cache
def _migrated() -> Path:
    # fifty migrations a test run would take longer than the tests
    folder = Path(mkdtemp(prefix="vidgen-tests-"))
    settings = make_settings(folder)
    migrate(settings)
    return folder / "vidgen.db"


@contextmanager
def control_plane(folder: Path, **changes: Any) -> Iterator[ControlPlane]:
    """On SQLite, or on the PostgreSQL server of VIDGEN_TEST_POSTGRES; closed, so that no connection outlives a test."""
    server = os.environ.get("VIDGEN_TEST_POSTGRES")
    if server is None:
        shutil.copy(_migrated(), folder / "vidgen.db")
    else:
        changes["database_url"] = _fresh_postgres(server)
    plane = open_control_plane(make_settings(folder, **changes))
    try:
        yield plane
    finally:
        plane.engine.dispose()


def forget_durability(server: str) -> None:
    """For a server that is never killed: hundreds of databases would be waited for when it ends."""
    _execute(server, "ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()")


def drop_databases(server: str) -> None:
    """Those of the tests; the one that they are made from stays."""
    names = _execute(server, f"SELECT datname FROM pg_database WHERE datname LIKE '{TEST}%'")
    _execute(server, *(f"DROP DATABASE {name} WITH (FORCE)" for (name,) in names))


def _fresh_postgres(server: str) -> str:
    """A database of its own for one test; the server is thrown away afterwards, with all of them."""
    name = f"{TEST}{token_hex(8)}"
    _execute(server, f"CREATE DATABASE {name} TEMPLATE {_migrated_template(server)}")
    return _on(server, name)


@cache
def _migrated_template(server: str) -> str:
    """A database to make others from, which takes a fraction of the time that migrations take."""
    name = f"migrated_{token_hex(8)}"
    _execute(server, f"CREATE DATABASE {name}")
    migrate(Settings(data_dir=Path(mkdtemp()), database_url=_on(server, name)))
    return name


def _on(server: str, database: str) -> str:
    return make_url(server).set(database=database).render_as_string(hide_password=False)


def _execute(server: str, *statements: str) -> list[tuple[str, ...]]:
    """Run each by itself; returns the rows of the last, if it has any."""
    engine, rows = create_engine(server, isolation_level="AUTOCOMMIT"), []
    with engine.connect() as connection:
        for statement in statements:
            result = connection.execute(text(statement))
            rows = [tuple(row) for row in result] if result.returns_rows else []
    engine.dispose()
    return rows


def make_spec(prompt: str = "a red ball", **changes: Any) -> TextToVideo:
    """A resolved spec."""
    values: dict[str, Any] = {"width": 64, "height": 64, "num_frames": 5, "fps": 8, "seed": 1, "guidance_scale": 3.0}
    return TextToVideo(**{"prompt": prompt, "num_inference_steps": 4, **values, **changes})


def queue_job(plane: ControlPlane, prompt: str = "a red ball", **arguments: Any) -> Job:
    return plane.jobs.create(make_spec(prompt), model_revision="1", max_queued=1000, **arguments).job
