"""The audit log says who did what, and that nobody changed it afterwards."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tests.security.conftest import Person
from tests.simulated_worker import SimulatedWorker
from vidgen.jobs.database.session import writing
from vidgen.jobs.service import ControlPlane

HOOKS = "/api/v1/webhook-endpoints"


def test_what_counts_is_noted_with_its_doer(anna: Person, worker: SimulatedWorker, plane: ControlPlane) -> None:
    """Fails when `_audit` is taken out of a repository's method: tried with `delete` of jobs."""
    hook = f"{HOOKS}/{anna('POST', HOOKS, json={'url': 'https://example.org/secret-token'}).get_json()['id']}"
    anna("PATCH", hook, json={"enabled": False})
    anna("POST", f"{hook}/rotate-secret")
    anna("DELETE", hook)
    job = anna("POST", "/api/v1/jobs", json={"prompt": "x"}).get_json()["id"]
    worker.run()
    anna("DELETE", f"/api/v1/jobs/{job}")
    entries = plane.audit.entries(after=1)
    assert [entry.action for entry in entries] == [
        "webhook.created",
        "webhook.changed",
        "webhook.secret_rotated",
        "webhook.deleted",
        "job.deleted",
    ]
    assert {(entry.tenant, entry.actor) for entry in entries} == {("anna", str(anna.key).split("_")[1])}
    assert entries[-1].subject == job
    assert "secret" not in str([entry.detail for entry in entries])


def test_an_action_that_fails_is_not_noted(anna: Person, plane: ControlPlane) -> None:
    """Fails when the entry is committed before the deed: tried with `delete` of receivers."""
    anna("DELETE", "/api/v1/jobs/none")
    anna("DELETE", f"{HOOKS}/none")
    assert len(plane.audit.entries()) == 1  # anna's own key


def filled(plane: ControlPlane) -> tuple[int, str]:
    for n in range(5):
        plane.keys.of("anna", "test").create(str(n), ["jobs:read"])
    verdict = plane.audit.verify()
    assert (verdict.entries, verdict.broken_at) == (5, None)
    return verdict.entries, verdict.head


@pytest.mark.parametrize("statement", ["UPDATE audit_log SET actor = 'x'", "DELETE FROM audit_log"])
def test_the_database_refuses_to_change_it(plane: ControlPlane, statement: str) -> None:
    """Fails when the table's triggers let everything through: tried."""
    filled(plane)
    with pytest.raises(DBAPIError), writing(plane.engine) as session:
        session.execute(text(statement))
    assert plane.audit.verify().entries == 5


@pytest.mark.parametrize(
    ("statement", "broken_at"),
    [
        ("UPDATE audit_log SET actor = 'x' WHERE n = 3", 3),
        ("UPDATE audit_log SET detail = '{}' WHERE n = 2", 2),
        ("UPDATE audit_log SET created_at = created_at + 1 WHERE n = 4", 4),
        ("DELETE FROM audit_log WHERE n = 3", 3),
        ("DELETE FROM audit_log WHERE n = 1", 1),
        ("UPDATE audit_log SET n = n + 10 WHERE n = 5", 5),
        ("DELETE FROM audit_log WHERE n = 5", 5),
    ],
)
def test_whoever_gets_around_that_is_found_out(plane: ControlPlane, statement: str, broken_at: int) -> None:
    """Fails when `verify` does not compare the hashes: tried."""
    head = filled(plane)
    if plane.engine.dialect.name != "sqlite":
        pytest.skip("dropping the guard is written for SQLite here; the chain is the same")
    with writing(plane.engine) as session:
        for name in ("update", "delete"):
            session.execute(text(f"DROP TRIGGER audit_log_no_{name}"))
        session.execute(text(statement))
    assert plane.audit.verify(head).broken_at == broken_at
