"""Transactions that meet on PostgreSQL: none waits for another in a circle, none overlooks what another does just now.

On SQLite one transaction writes at a time, so that none of this can happen there.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import text

from tests.integration.servers import wait_for
from tests.jobs_fixtures import control_plane, make_spec, queue_job
from tests.unit.jobs.stored_media import add_upload
from vidgen.errors import VidgenError
from vidgen.jobs.database.clock import database_now
from vidgen.jobs.database.session import AUDIT_LOCK, CREATE_LOCK, lock, reading, writing
from vidgen.jobs.database.tables import EndpointRow, JobRow, UploadRow
from vidgen.jobs.line.waiting import ResolvedSpec
from vidgen.jobs.service import ControlPlane
from vidgen.spec import ImageToVideo, JobStatus, MediaRef

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("on_postgres")]
WAITING = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()")


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[ControlPlane]:
    with control_plane(tmp_path) as opened:
        yield opened


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as opened:
        yield opened


def meets(plane: ControlPlane, pool: ThreadPoolExecutor, call: Callable[[], object]) -> "Future[object]":
    """Start `call`; returns once it waits for a lock that somebody holds, or is over."""
    started = pool.submit(call)
    wait_for(lambda: started.done() or is_waited_for(plane), "the other transaction")
    return started


def is_waited_for(plane: ControlPlane) -> bool:
    with reading(plane.engine) as session:
        return bool(session.scalar(WAITING))


def test_a_move_to_the_front_outlives_the_cancel_of_the_job_there(
    plane: ControlPlane, pool: ThreadPoolExecutor
) -> None:
    """Fails when the front is looked up before the line is locked: tried, the move broke off with StopIteration."""
    front, second, last = (queue_job(plane).id for _ in range(3))
    with writing(plane.engine) as session:
        row = session.get_one(JobRow, front, with_for_update=True)
        plane.jobs.finish(session, row, JobStatus.CANCELLED, database_now(session))
        session.flush()
        moved = meets(plane, pool, lambda: plane.jobs.move(last).queue_position)
    assert moved.result(30) == 1
    assert [claim.job_id for _ in range(2) if (claim := plane.jobs.claim("w", 60))] == [last, second]


def test_who_discards_a_job_and_who_changes_its_receiver_do_not_wait_for_each_other(
    plane: ControlPlane, pool: ThreadPoolExecutor
) -> None:
    """The one tells the receiver of the job's end, the other notes its change in the log; both need both.

    Fails when `discard` notes the deletion before it cancels: tried, PostgreSQL found a deadlock.
    """
    jobs, job_id = plane.jobs.of("local", "key_a"), queue_job(plane).id
    endpoint = plane.endpoints.create("http://127.0.0.1:9/hook")
    with writing(plane.engine) as session:
        # as `update` does: the receiver's row, then the log
        session.get_one(EndpointRow, endpoint.id, with_for_update=True)
        discarded = meets(plane, pool, lambda: jobs.discard(job_id).status)
        assert not discarded.done()
        lock(session, AUDIT_LOCK)
    assert discarded.result(30) is JobStatus.CANCELLED


def test_an_edit_waits_for_the_look_of_who_cleans(plane: ControlPlane, pool: ThreadPoolExecutor) -> None:
    """Fails when `change` does not take CREATE_LOCK: tried, the job was then pointed at an upload that was gone."""
    upload_id, job_id = add_upload(plane), queue_job(plane).id
    spec = ImageToVideo(**make_spec().model_dump(exclude={"task"}), image=MediaRef(upload_id=upload_id))
    with writing(plane.engine) as session:
        # as `delete_unawaited` does: it has looked, and nobody needs the upload
        lock(session, CREATE_LOCK)
        session.delete(session.get_one(UploadRow, upload_id))
        session.flush()
        edited = meets(plane, pool, lambda: plane.jobs.change(job_id, edited=ResolvedSpec(spec, "1")))
    with pytest.raises(VidgenError, match="deleted meanwhile"):
        edited.result(30)


def test_who_cleans_waits_for_an_edit(plane: ControlPlane, pool: ThreadPoolExecutor) -> None:
    """Fails when `delete_unawaited` of uploads does not take CREATE_LOCK: tried, the edited job lost its picture."""
    upload_id, job_id = add_upload(plane), queue_job(plane).id
    spec = ImageToVideo(**make_spec().model_dump(exclude={"task"}), image=MediaRef(upload_id=upload_id))
    with writing(plane.engine) as session:
        # as `change` does: the upload is there
        lock(session, CREATE_LOCK)
        session.get_one(JobRow, job_id).spec = spec.model_dump(mode="json")
        session.flush()
        gone = meets(plane, pool, lambda: plane.uploads.delete_unawaited(upload_id))
    assert gone.result(30) is False
    assert plane.uploads.get(upload_id) is not None
