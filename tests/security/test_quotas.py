"""Promise 17: quotas are exact under concurrency. Promise 9: POST is idempotent, also for parallel requests.

Fails when the count and the insert are not one step: tried by taking `lock(session, CREATE_LOCK)` out of
JobRepository.create (PostgreSQL, two processes) and by BEGIN instead of BEGIN IMMEDIATE (SQLite, one process).
"""

import io
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update

from tests.integration.servers import postgres
from tests.jobs_fixtures import control_plane, make_settings, make_spec
from tests.security.conftest import Person
from tests.security.web_processes import post, web_process
from tests.simulated_worker import SimulatedWorker
from vidgen.errors import VidgenError
from vidgen.jobs.database.session import migrate, writing
from vidgen.jobs.database.tables import TenantDayRow
from vidgen.jobs.service import ControlPlane, open_control_plane
from vidgen.jobs.settings import Settings
from vidgen.jobs.tenants.quotas import Limits, QuotaExceeded
from vidgen.spec import JobStatus
from vidgen_web import create_app
from vidgen_web.services import EXTENSION

JOBS = "/api/v1/jobs"
PARALLEL, LIMIT, SAME = 100, 10, 50


def at_once(calls: list[Callable[[], Any]]) -> list[Any]:
    """Run all in threads that start together; what they returned."""
    results: list[Any] = []
    gate = threading.Barrier(len(calls))

    def run(call: Callable[[], Any]) -> None:
        gate.wait()
        results.append(call())

    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


@pytest.fixture
def limited(tmp_path: Path) -> Iterator[Flask]:
    with control_plane(tmp_path):
        app = create_app(make_settings(tmp_path, tenant_max_queued=LIMIT))
        yield app
        app.extensions[EXTENSION].engine.dispose()


def test_a_hundred_at_once_queue_exactly_ten(limited: Flask) -> None:
    def ask() -> int:
        return limited.test_client().post(JOBS, json={"prompt": "x"}).status_code

    assert Counter(at_once([ask] * PARALLEL)) == {202: LIMIT, 429: PARALLEL - LIMIT}


def test_fifty_with_the_same_key_are_one_job(local_app: Flask) -> None:
    def ask() -> tuple[int, str, str | None]:
        answer = local_app.test_client().post(JOBS, json={"prompt": "x"}, headers={"Idempotency-Key": "once"})
        return answer.status_code, answer.get_json()["id"], answer.headers.get("Idempotent-Replayed")

    answers = at_once([ask] * SAME)
    assert {status for status, _, _ in answers} == {202}
    assert len({job_id for _, job_id, _ in answers}) == 1
    assert Counter(replayed for _, _, replayed in answers) == {"true": SAME - 1, None: 1}
    assert len(local_app.test_client().get(JOBS).get_json()["items"]) == 1


@pytest.fixture(params=["sqlite", "postgresql"])
def shared(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Settings]:
    """A migrated database that two web processes will share."""
    with ExitStack() as stack:
        url = None
        if request.param == "postgresql":
            # pytest closes the root of its folders at every start, and the server runs as another user
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="pg"))
            url = stack.enter_context(postgres(Path(folder) / "data"))
        settings = Settings(data_dir=tmp_path / "data", database_url=url)
        migrate(settings)
        yield settings


@pytest.mark.integration
def test_two_web_processes_keep_the_limit_together(shared: Settings) -> None:
    with ExitStack() as stack:
        limit = {"VIDGEN_TENANT_MAX_QUEUED": str(LIMIT)}
        ports = [stack.enter_context(web_process(shared, limit)) for _ in range(2)]
        calls = [lambda port=ports[n % 2]: post(port, {"prompt": "x"}) for n in range(PARALLEL)]  # type: ignore[misc]
        statuses = Counter(status for status, _ in at_once(calls))
    assert statuses == {202: LIMIT, 429: PARALLEL - LIMIT}
    assert queued(shared) == LIMIT


@pytest.mark.integration
def test_two_web_processes_make_one_job_of_one_key(shared: Settings) -> None:
    with ExitStack() as stack:
        ports = [stack.enter_context(web_process(shared)) for _ in range(2)]
        calls = [lambda port=ports[n % 2]: post(port, {"prompt": "x"}, "once") for n in range(SAME)]  # type: ignore[misc]
        answers = at_once(calls)
    assert {status for status, _ in answers} == {202}
    assert len({body["id"] for _, body in answers}) == 1
    assert queued(shared) == 1


def queued(settings: Settings) -> int:
    plane = open_control_plane(settings)
    try:
        return plane.jobs.counts()[JobStatus.QUEUED]
    finally:
        plane.engine.dispose()


def test_a_replay_needs_no_room_and_no_valid_model(limited: Flask) -> None:
    client = limited.test_client()
    first = client.post(JOBS, json={"prompt": "x"}, headers={"Idempotency-Key": "k"}).get_json()
    for _ in range(LIMIT - 1):
        client.post(JOBS, json={"prompt": "x"})
    assert client.post(JOBS, json={"prompt": "x"}).status_code == 429
    again = client.post(JOBS, json={"prompt": "x"}, headers={"Idempotency-Key": "k"})
    assert (again.status_code, again.get_json()["id"]) == (202, first["id"])
    other = client.post(JOBS, json={"prompt": "y"}, headers={"Idempotency-Key": "k"})
    assert other.get_json()["code"] == "idempotency_mismatch"


@pytest.mark.parametrize("key", ["", "x" * 256, "schön"])
def test_keys_that_cannot_be_are_refused(local_app: Flask, key: str) -> None:
    answer = local_app.test_client().post(JOBS, json={}, headers={"Idempotency-Key": key.encode().decode("latin-1")})
    assert (answer.status_code, answer.get_json()["code"]) == (400, "bad_request")


def test_idempotency_keys_of_two_api_keys_do_not_meet(app: Flask, plane: ControlPlane) -> None:
    """Fails when keys are those of the tenant: tried."""
    headers = {"Idempotency-Key": "k"}
    people = [Person(app, plane.keys.of("anna").create("", ["admin"]).key) for _ in range(2)]
    jobs = [person("POST", JOBS, json={"prompt": "x"}, headers=headers).get_json()["id"] for person in people * 2]
    assert len(set(jobs)) == 2


def make(plane: ControlPlane, tenant: str = "anna") -> str:
    return plane.jobs.of(tenant).create(make_spec(), model_revision="1", max_queued=100).job.id


def test_the_limit_of_a_day_counts_deleted_jobs_and_retries_too(plane: ControlPlane) -> None:
    """Fails when the day is counted from the jobs that exist: tried."""
    plane.quotas.set("anna", Limits(max_jobs_per_day=3), actor="test")
    jobs = plane.jobs.of("anna")
    first, second = make(plane), make(plane)
    jobs.cancel(first)
    jobs.cancel(second)
    jobs.delete(first)
    jobs.retry(second)
    with pytest.raises(QuotaExceeded) as caught:
        make(plane)
    assert 0 < caught.value.retry_after <= 86401
    make(plane, "bert")
    with writing(plane.engine) as session:
        session.execute(update(TenantDayRow).values(day=TenantDayRow.day - 1))
    make(plane)


def test_no_more_of_a_tenants_jobs_run_than_may(plane: ControlPlane) -> None:
    """Fails when `due` does not ask `may_run_another`: tried."""
    plane.quotas.set("anna", Limits(max_running=2), actor="test")
    mine = {make(plane) for _ in range(4)}
    other = make(plane, "bert")
    claims = [plane.jobs.claim("w", 60) for _ in range(4)]
    taken = [claim.job_id for claim in claims if claim is not None]
    assert len(taken) == 3
    assert other in taken
    assert not plane.jobs.claimable()
    running = next(claim for claim in claims if claim is not None and claim.job_id in mine)
    plane.jobs.mark_cancelled(running)
    assert plane.jobs.claim("w", 60) is not None


def test_storage_is_looked_at_before_files_and_jobs_come_in(
    anna: Person, bert: Person, plane: ControlPlane, worker: SimulatedWorker
) -> None:
    plane.quotas.set("anna", Limits(max_storage_mb=1), actor="test")
    store = plane.settings.data_dir / "store" / "uploads"

    def upload(person: Person, size: int) -> Any:
        return person("POST", "/api/v1/uploads", data={"file": (io.BytesIO(b"\x89PNG" + b"x" * size), "x.png")})

    half = 500_000
    first = upload(anna, half)
    assert first.status_code == 201
    assert upload(anna, half).status_code == 201
    assert (upload(anna, half).status_code, upload(anna, half).get_json()["code"]) == (403, "storage_quota")
    assert len(list(store.iterdir())) == 2
    assert upload(bert, half).status_code == 201
    used = anna("GET", "/api/v1/quota").get_json()["storage_bytes"]
    assert used["limit"] == 1 << 20
    assert 1_000_000 <= used["used"] <= used["limit"]
    assert anna("POST", JOBS, json={"prompt": "x"}).status_code == 202
    worker.run()
    plane.quotas.set("anna", Limits(max_storage_mb=0), actor="test")
    assert anna("POST", JOBS, json={"prompt": "x"}).get_json()["code"] == "storage_quota"


def test_parallel_uploads_do_not_count_the_same_free_bytes(plane: ControlPlane, tmp_path: Path) -> None:
    plane.quotas.set("anna", Limits(max_storage_mb=1), actor="test")

    def add(n: int) -> bool:
        file = tmp_path / f"{n}.png"
        file.write_bytes(b"x" * 300_000)
        facts: Any = {"filename": "x", "kind": "image", "content_type": "image/png", "width": 1, "height": 1}
        try:
            plane.uploads.of("anna").add(file, **facts)
        except VidgenError:
            return False
        return True

    assert sum(at_once([lambda n=n: add(n) for n in range(12)])) == 3  # type: ignore[misc]


def test_the_quota_is_told(anna: Person, plane: ControlPlane) -> None:
    plane.quotas.set("anna", Limits(max_queued=7), actor="test")
    anna("POST", JOBS, json={"prompt": "x"})
    told = anna("GET", "/api/v1/quota").get_json()
    assert told["queued"] == {"used": 1, "limit": 7}
    assert told["jobs_today"] == {"used": 1, "limit": None}
