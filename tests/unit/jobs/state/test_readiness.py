"""What makes the service ready, degraded and not ready."""

from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import text

from tests.jobs_fixtures import make_settings
from vidgen.jobs.database.session import MIGRATIONS, make_engine
from vidgen.jobs.service import ControlPlane
from vidgen.jobs.state.readiness import Check, check_readiness, newest_revision, worst


def by_name(checks: tuple[Check, ...]) -> dict[str, Check]:
    return {check.name: check for check in checks}


def test_the_newest_revision_is_alembics() -> None:
    assert newest_revision() == ScriptDirectory(str(MIGRATIONS)).get_current_head()


def test_without_workers_it_is_degraded_and_with_one_fine(plane: ControlPlane) -> None:
    checks = check_readiness(plane.engine, plane.settings)
    assert worst(checks) == by_name(checks)["workers"].state == "degraded"
    plane.presence.beat("w", None)
    assert worst(check_readiness(plane.engine, plane.settings)) == "ok"


def test_a_database_of_another_version_is_not_ready(plane: ControlPlane) -> None:
    with plane.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'r0000'"))
    found = by_name(check_readiness(plane.engine, plane.settings))["migrations"]
    assert found.state == "unready"
    assert "r0000" in found.detail


@pytest.mark.parametrize("kind", ["never migrated", "away"])
def test_a_database_without_tables_or_answers_is_not_ready(tmp_path: Path, kind: str) -> None:
    settings = make_settings(tmp_path)
    engine = make_engine(settings)
    if kind == "away":
        (tmp_path / "vidgen.db").mkdir()
    found = by_name(check_readiness(engine, settings))
    engine.dispose()
    assert found["database"].state == "unready"
    assert str(tmp_path) not in found["database"].detail


def test_a_full_or_missing_disk_is_not_ready(plane: ControlPlane, tmp_path: Path) -> None:
    for settings, told in (
        (make_settings(plane.settings.data_dir, min_free_mb=10**9), "VIDGEN_MIN_FREE_MB"),
        (make_settings(tmp_path / "gone"), "cannot be read"),
    ):
        found = by_name(check_readiness(plane.engine, settings))["disk"]
        assert found.state == "unready"
        assert told in found.detail
