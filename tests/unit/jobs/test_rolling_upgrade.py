"""What a worker of the version before still does while the database is of this one already, on both databases."""

import pytest
from sqlalchemy import text

from tests.jobs_fixtures import make_spec
from vidgen.jobs.service import ControlPlane

AS_BEFORE_R0012 = text(
    "INSERT INTO job_events (job_id, kind, data, created_at) VALUES (:job_id, 'job.progress', '{}', 1.0)"
)


@pytest.mark.parametrize("tenant", ["anna", "local"])
def test_events_of_workers_from_before_r0012_belong_to_their_jobs_tenant(plane: ControlPlane, tenant: str) -> None:
    """They name no tenant. Fails without the trigger of r0019: tried, the events went to the tenant `local`."""
    job = plane.jobs.of(tenant).create(make_spec(), model_revision="1", max_queued=9).job
    plane.jobs.of("bert").create(make_spec(), model_revision="1", max_queued=9)
    with plane.engine.begin() as connection:
        connection.execute(AS_BEFORE_R0012, {"job_id": job.id})
    seen = [it.kind for it in plane.jobs.of(tenant).events(0)]
    assert seen == ["job.queued", "job.progress"]
    others = {"anna", "local", "bert"} - {tenant}
    assert [it.job_id for name in others for it in plane.jobs.of(name).events(0) if it.job_id == job.id] == []
