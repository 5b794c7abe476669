"""What one reading says holds together on PostgreSQL, too, whatever others do between its statements."""

from pathlib import Path

import pytest
from sqlalchemy import event

from tests.jobs_fixtures import control_plane, make_spec
from vidgen.jobs.line import places
from vidgen.jobs.views import Claim

pytestmark = pytest.mark.integration


@pytest.mark.usefixtures("on_postgres")
def test_a_job_claimed_while_its_place_is_looked_up_is_told_as_it_was(tmp_path: Path) -> None:
    """Fails when readings are READ COMMITTED: tried, the place of the claimed job was a KeyError."""
    with control_plane(tmp_path) as plane:
        jobs = {
            tenant: plane.jobs.of(tenant).create(make_spec(), model_revision="1", max_queued=9).job.id
            for tenant in ("anna", "bert")
        }
        claimed: list[Claim | None] = []

        def claim_between(_: object, statement: object, *_rest: object) -> None:
            if statement is places._HEADS and not claimed:
                claimed.append(None)  # before the claim, whose own statements come by here as well
                claimed[0] = plane.jobs.claim("w", 60)

        def told(tenant: str) -> tuple[str, int | None]:
            seen = plane.jobs.of(tenant).get(jobs[tenant])
            assert seen is not None
            return seen.status, seen.queue_position

        event.listen(plane.engine, "before_execute", claim_between)
        assert told("anna") == ("queued", 1)
        assert claimed[0] is not None
        assert claimed[0].job_id == jobs["anna"]
        assert told("anna") == ("running", None)
        assert told("bert") == ("queued", 1)
