"""Repositories bound to a tenant: what another tenant owns does not exist for them (the routes: test_route_matrix).

Fails when a statement forgets the tenant: tried by taking `self._visible(…)` out of JobRepository._one, of
UploadRepository._one, of EndpointRepository._one and of DeliveryRepository.list, one after the other.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.jobs_fixtures import make_spec
from tests.simulated_worker import SimulatedWorker
from vidgen.errors import VidgenError
from vidgen.jobs.service import ControlPlane
from vidgen.jobs.tenants.tenancy import NOBODY


def make_job(plane: ControlPlane, tenant: str, **arguments: str) -> str:
    return plane.jobs.of(tenant).create(make_spec(), model_revision="1", max_queued=100, **arguments).job.id


def make_upload(plane: ControlPlane, tenant: str, folder: Path) -> str:
    (folder / "x.png").write_bytes(b"x")
    facts = {"filename": "x.png", "kind": "image", "content_type": "image/png", "width": 1, "height": 1}
    return plane.uploads.of(tenant).add(folder / "x.png", **facts).id  # type: ignore[arg-type]


def refused(call: Callable[[], object]) -> str:
    with pytest.raises(VidgenError) as caught:
        call()
    return f"{caught.value.code}: {caught.value.message}"


def test_jobs_of_another_tenant_do_not_exist(plane: ControlPlane) -> None:
    job_id = make_job(plane, "anna")
    mine, others = plane.jobs.of("anna"), plane.jobs.of("bert")
    assert mine.get(job_id) is not None
    assert others.get(job_id) is None
    assert [job.id for job in mine.list().items] == [job_id]
    assert others.list().items == ()
    assert sum(others.counts().values()) == 0
    assert others.events(0) == []
    assert others.events(0, job_id=job_id) == []
    assert [event.job_id for event in mine.events(0)] == [job_id]
    for verb in ("cancel", "retry", "delete"):
        theirs = refused(lambda verb=verb: getattr(others, verb)(job_id))  # type: ignore[misc]
        nobodys = refused(lambda verb=verb: getattr(others, verb)("job_none"))  # type: ignore[misc]
        assert theirs.replace(job_id, "job_none") == nobodys
    assert mine.cancel(job_id).status == "cancelled"


def test_artifacts_follow_their_job(plane: ControlPlane) -> None:
    make_job(plane, "anna")
    job = plane.jobs.get(SimulatedWorker(plane).run())
    assert job is not None
    artifact = job.artifacts[0].id
    assert plane.jobs.of("anna").artifact(artifact) is not None
    assert plane.jobs.of("bert").artifact(artifact) is None
    assert plane.jobs.of("bert").artifact_key(artifact) is None


def test_uploads_of_another_tenant_do_not_exist(plane: ControlPlane, tmp_path: Path) -> None:
    upload_id = make_upload(plane, "anna", tmp_path)
    others = plane.uploads.of("bert")
    assert others.get(upload_id) is None
    assert others.path(upload_id) is None
    others.delete(upload_id)
    assert plane.uploads.of("anna").get(upload_id) is not None


def test_receivers_and_deliveries_of_another_tenant_do_not_exist(plane: ControlPlane) -> None:
    endpoint = plane.endpoints.of("anna").create("https://example.org/")
    delivery = plane.endpoints.of("anna").test(endpoint.id)
    others = plane.endpoints.of("bert")
    assert others.list().items == ()
    assert others.get(endpoint.id) is None
    deliveries = plane.deliveries.of("bert")
    assert deliveries.list().items == ()
    assert deliveries.list(endpoint.id).items == ()
    assert deliveries.get(delivery.id) is None
    assert deliveries.recover(endpoint.id, datetime(2020, 1, 1, tzinfo=UTC)) == 0
    for call in (
        lambda: others.update(endpoint.id, enabled=False),
        lambda: others.delete(endpoint.id),
        lambda: others.rotate_secret(endpoint.id),
        lambda: others.test(endpoint.id),
        lambda: deliveries.resend(delivery.id),
    ):
        assert refused(call).startswith("not_found")
    assert [it.id for it in plane.deliveries.of("anna").list().items] == [delivery.id]


def test_a_receiver_hears_of_its_own_tenants_jobs_only(plane: ControlPlane) -> None:
    for tenant in ("anna", "bert"):
        plane.endpoints.of(tenant).create("https://example.org/")
    plane.jobs.of("anna").cancel(make_job(plane, "anna", callback_url="https://example.org/mine"))
    assert len(plane.deliveries.of("anna").list().items) == 2
    assert plane.deliveries.of("bert").list().items == ()


def test_the_same_idempotency_key_of_two_tenants_makes_two_jobs(plane: ControlPlane) -> None:
    first, second = (make_job(plane, tenant, idempotency_key="k") for tenant in ("anna", "bert"))
    assert first != second


def test_workers_see_the_jobs_of_all(plane: ControlPlane) -> None:
    ids = {make_job(plane, "anna"), make_job(plane, "bert")}
    assert {job.id for job in plane.jobs.list().items} == ids
    assert {plane.jobs.claim("w", 60).job_id for _ in ids} == ids  # type: ignore[union-attr]


def test_a_request_of_nobody_finds_and_makes_nothing(plane: ControlPlane) -> None:
    job_id = make_job(plane, "local")
    assert plane.jobs.of(NOBODY).get(job_id) is None
    assert plane.jobs.of(NOBODY).list().items == ()
    with pytest.raises(RuntimeError):
        make_job(plane, NOBODY)
