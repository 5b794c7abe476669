"""What goes when its time is over or the disk is full, and what stays because somebody still needs it."""

import os
import time
from collections.abc import Callable, Collection, Sized
from pathlib import Path

import pytest
from sqlalchemy import event, update
from sqlmodel import col

from tests.jobs_fixtures import make_spec, queue_job
from tests.unit.jobs.stored_media import add_upload, finish_with
from vidgen.errors import VidgenError
from vidgen.jobs.database.session import writing
from vidgen.jobs.database.tables import JobChunkRow, JobRow, UploadRow
from vidgen.jobs.files.cleaning import Cleaner
from vidgen.jobs.line.waiting import ResolvedSpec
from vidgen.jobs.service import ControlPlane
from vidgen.jobs.views import FinishedChunk
from vidgen.spec import ImageToVideo, JobStatus, MediaRef


def age(path: Path) -> Path:
    long_ago = time.time() - 10_000
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        path.mkdir()
    os.utime(path, (long_ago, long_ago))
    return path


def cleaner(plane: ControlPlane) -> Cleaner:
    return Cleaner(plane.engine, plane.store, plane.jobs, plane.uploads, plane.settings.incoming_dir)


def test_expired_jobs_and_uploads_go_with_their_files(plane: ControlPlane) -> None:
    upload_id = add_upload(plane)
    upload_path = plane.uploads.path(upload_id)
    kept, gone = queue_job(plane), queue_job(plane)
    plane.jobs.cancel(gone.id)
    folder = plane.store.artifact_path(gone.id, 1, "video.mp4")
    folder.parent.mkdir(parents=True)
    folder.write_bytes(b"x")
    with writing(plane.engine) as session:
        for row in session.query(JobRow):
            row.expires_at = 1.0
        session.get_one(UploadRow, upload_id).created_at = 1.0
    assert cleaner(plane).clean(retention_days=30) == 2
    assert plane.jobs.get(gone.id) is None
    assert plane.jobs.get(kept.id) is not None  # it still waits: only finished jobs expire
    assert plane.uploads.get(upload_id) is None
    assert upload_path is not None
    assert not upload_path.exists()
    assert not folder.exists()


def test_old_orphans_go_and_the_rest_stays(plane: ControlPlane) -> None:
    job = queue_job(plane)
    claim = plane.jobs.claim("w", 60)
    assert claim is not None
    root = plane.store.root
    orphans = [
        age(root / "artifacts/job_gone"),
        age(root / "previews/job_gone"),
        age(root / "uploads/upl_gone.png"),
        age(root / f"scratch/{job.id}-9"),
    ]
    kept = [age(root / f"artifacts/{job.id}/1"), age(root / f"artifacts/{job.id}"), age(root / f"scratch/{job.id}-1")]
    young = root / "artifacts/job_young"
    young.mkdir()
    assert cleaner(plane).clean(retention_days=30) == len(orphans)
    assert [path for path in orphans if path.exists()] == []
    assert [path for path in [*kept, young] if not path.exists()] == []
    plane.jobs.succeed(claim, [])
    assert cleaner(plane).clean(retention_days=30) == 2  # the attempt was never published, nor its scratch needed


def test_what_a_crash_left_of_an_upload_goes_after_a_day(plane: ControlPlane) -> None:
    incoming = plane.settings.incoming_dir
    incoming.mkdir()
    old, file, young = incoming / "tmp_old", incoming / "file_old", incoming / "tmp_young"
    old.mkdir()
    (old / "source").write_bytes(b"x")
    file.write_bytes(b"x")
    long_ago = time.time() - 90_000
    for path in (old, file):
        os.utime(path, (long_ago, long_ago))
    age(young)  # three hours
    assert cleaner(plane).clean(retention_days=30) == 2
    assert list(incoming.iterdir()) == [young]


def test_an_upload_that_a_job_waits_for_stays(plane: ControlPlane) -> None:
    queued, running, finished, unused = (add_upload(plane) for _ in range(4))
    values = make_spec().model_dump(exclude={"task"})
    jobs = {}
    for upload_id in (running, finished, queued):
        spec = ImageToVideo(image=MediaRef(upload_id=upload_id), **values)
        jobs[upload_id] = plane.jobs.create(spec, model_revision="1", max_queued=9).job.id
    plane.jobs.cancel(jobs[finished])
    claim = plane.jobs.claim("w", 60)
    assert claim is not None
    assert claim.job_id == jobs[running]
    with writing(plane.engine) as session:
        for row in session.query(UploadRow):
            row.created_at = 1.0
    assert plane.uploads.older_than(60, keep=(queued, running, unused), limit=1) == (finished,)
    assert cleaner(plane).clean(retention_days=30) == 2
    kept = [upload_id for upload_id in (queued, running, finished, unused) if plane.uploads.get(upload_id)]
    assert kept == [queued, running]


def test_many_files_are_looked_up_in_statements_of_a_bounded_size(plane: ControlPlane) -> None:
    kept = queue_job(plane)
    names = [kept.id, *(f"job_{n}" for n in range(1100))]
    for name in names:
        age(plane.store.root / "artifacts" / name)
    sizes = []

    def count(_c: object, _k: object, _s: object, parameters: Sized, _x: object, _m: object) -> None:
        sizes.append(len(parameters))

    event.listen(plane.engine, "before_cursor_execute", count)
    assert cleaner(plane).clean(retention_days=30) == 1100
    assert max(sizes) == 500
    assert [path.name for path in plane.store.folders("artifacts")] == [kept.id]


def test_beyond_the_disk_budget_the_oldest_finished_jobs_go_with_their_files(plane: ControlPlane) -> None:
    """Fails when `_shrink` stops after one: tried. Running jobs have two guards: `delete` refuses them, too."""
    made = [finish_with(plane, 4000) for _ in range(4)]
    queue_job(plane)
    running = plane.jobs.claim("w", 60)
    assert running is not None
    draft = plane.store.artifact_path(running.job_id, 1, "video.mp4")
    draft.parent.mkdir(parents=True)
    draft.write_bytes(b"x" * 4000)
    assert cleaner(plane).clean(30, disk_budget_gb=13_000e-9) == 2
    assert [plane.jobs.get(job_id) is None for job_id in made] == [True, True, False, False]
    assert [plane.store.path(f"artifacts/{job_id}").exists() for job_id in made] == [False, False, True, True]
    assert cleaner(plane).clean(30, disk_budget_gb=13_000e-9) == 0
    assert cleaner(plane).clean(30, disk_budget_gb=1e-9) == 2
    assert plane.jobs.get(running.job_id) is not None
    assert draft.exists()


def test_jobs_without_files_do_not_keep_the_disk_budget_from_being_met(plane: ControlPlane) -> None:
    """Fails when `_shrink` looks at the first hundred alone, and when it deletes jobs that free nothing: tried."""
    empty = [plane.jobs.cancel(queue_job(plane).id).id for _ in range(120)]
    large = finish_with(plane, 4000)
    assert cleaner(plane).clean(30, disk_budget_gb=1e-9) == 1
    assert plane.jobs.get(large) is None
    assert not plane.store.path(f"artifacts/{large}").exists()
    assert plane.jobs.counts()[JobStatus.CANCELLED] == len(empty)


def test_awaited_jobs_do_not_keep_the_disk_budget_from_being_met(
    plane: ControlPlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fails when a page of the oldest jobs that are all awaited ends the search: tried."""
    awaited = {finish_with(plane, 4000) for _ in range(101)}
    other = finish_with(plane, 4000)
    monkeypatch.setattr(Cleaner, "_awaited_jobs", lambda _: awaited)
    assert cleaner(plane).clean(30, disk_budget_gb=1e-9) == 1
    assert plane.jobs.get(other) is None
    assert plane.jobs.counts()[JobStatus.SUCCEEDED] == len(awaited)


def test_what_another_job_is_made_from_stays(plane: ControlPlane) -> None:
    """Fails when `_awaited_jobs` is empty: tried, the source of the job that waits was then removed."""
    source, other = finish_with(plane, 4000), finish_with(plane, 4000)
    artifact = plane.jobs.get(source).artifacts[0]  # type: ignore[union-attr]
    need(plane, made_from(MediaRef(artifact_id=artifact.id)))
    assert cleaner(plane).clean(30, disk_budget_gb=1e-9) == 1
    with writing(plane.engine) as session:
        for row in session.query(JobRow):
            row.expires_at = 1.0
    assert cleaner(plane).clean(30) == 0
    assert (plane.jobs.get(source) is None, plane.jobs.get(other) is None) == (False, True)


def test_chunks_go_before_their_clip_when_the_operator_says_so(plane: ControlPlane) -> None:
    """Not those of a clip that a waiting job is to be made from. Fails when such jobs are not looked for: tried."""
    jobs = [queue_job(plane).id for _ in range(3)]
    for _ in jobs:
        claim = plane.jobs.claim("w", 60)
        assert claim is not None
        plane.jobs.commit_chunk(claim, FinishedChunk(0, "00000-aa", "aa", 1, size=10))
        plane.store.chunk_folder(claim.job_id).mkdir(parents=True)
        plane.jobs.succeed(claim, ())
    queue_job(plane, source_job_id=jobs[2])
    with writing(plane.engine) as session:
        session.execute(update(JobRow).where(col(JobRow.id) != jobs[1]).values(finished_at=1.0))
    cleaner(plane).clean(30, chunk_days=1)
    assert [plane.store.chunk_folder(job_id).exists() for job_id in jobs] == [False, True, True]
    assert [plane.jobs.chunks(job_id)[0].size for job_id in jobs] == [0, 10, 10]


STEPS: dict[str, Callable[[Cleaner], object]] = {
    "budget": lambda it: it._shrink(1),
    "expired": lambda it: it._expire_jobs(),
    "chunks": lambda it: it._expire_chunks(86400),
}


def meanwhile(monkeypatch: pytest.MonkeyPatch, then: Callable[[], object], looking: str = "_awaited_jobs") -> None:
    """Let `then` happen once, right after the cleaner has looked which jobs, or uploads, are awaited."""
    look, left = getattr(Cleaner, looking), [then]

    def looked(cleaner: Cleaner) -> Collection[str]:
        found: Collection[str] = look(cleaner)
        if left:
            left.pop()()
        return found

    monkeypatch.setattr(Cleaner, looking, looked)


def made_from(image: MediaRef, last_image: MediaRef | None = None) -> ImageToVideo:
    return ImageToVideo(**make_spec().model_dump(exclude={"task"}), image=image, last_image=last_image)


def need(plane: ControlPlane, spec: ImageToVideo, edited: str | None = None) -> None:
    """Queue a job of this spec, or make it that of a queued one."""
    if edited is None:
        plane.jobs.create(spec, model_revision="1", max_queued=9)
    else:
        plane.jobs.change(edited, edited=ResolvedSpec(spec, "1"))


def test_the_chunks_of_a_job_that_is_retried_meanwhile_stay(
    plane: ControlPlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fails when the job is not looked at again before its folder goes: tried."""
    job_id = queue_job(plane).id
    claim = plane.jobs.claim("w", 60)
    assert claim is not None
    plane.jobs.commit_chunk(claim, FinishedChunk(0, "00000-aa", "aa", 1, size=10))
    plane.store.chunk_folder(job_id).mkdir(parents=True)
    plane.jobs.fail(claim, "failed", "gone wrong", retryable=False)
    with writing(plane.engine) as session:
        session.execute(update(JobRow).values(finished_at=1.0))

    def run_again() -> None:
        plane.jobs.retry(job_id)
        assert plane.jobs.claim("w", 60) is not None

    meanwhile(monkeypatch, run_again)
    STEPS["chunks"](cleaner(plane))
    assert plane.store.chunk_folder(job_id).exists()
    assert plane.jobs.chunks(job_id)[0].size == 10


@pytest.mark.parametrize("reason", list(STEPS))
@pytest.mark.parametrize("named", ["by its job", "by its clip", "by an edit"])
def test_what_a_job_queued_meanwhile_is_made_from_stays(
    plane: ControlPlane, monkeypatch: pytest.MonkeyPatch, reason: str, named: str
) -> None:
    """Fails when `delete_unawaited` or `_release_chunks` does not look again: tried."""
    source = finish_with(plane, 4000)
    (artifact,) = plane.jobs.get(source).artifacts  # type: ignore[union-attr]
    chunks = plane.store.chunk_folder(source)
    chunks.mkdir(parents=True)
    with writing(plane.engine) as session:
        session.add(JobChunkRow(job_id=source, n=0, key="00000-aa", sha256="aa", seed=1, size=10, created_at=1.0))
        ended = {"expires_at": 1.0} if reason == "expired" else {"finished_at": 1.0}
        session.execute(update(JobRow).values(**ended))

    waits = queue_job(plane).id
    spec = made_from(MediaRef(artifact_id=artifact.id))

    def queue_another() -> None:
        if named == "by its job":
            queue_job(plane, source_job_id=source)
        else:
            need(plane, spec, waits if named == "by an edit" else None)

    meanwhile(monkeypatch, queue_another)
    STEPS[reason](cleaner(plane))
    assert plane.jobs.get(source) is not None
    assert chunks.exists()


def test_a_job_is_not_queued_when_what_it_is_made_from_was_deleted(plane: ControlPlane) -> None:
    """Fails when `create` does not look for the source: tried."""
    source = finish_with(plane, 10)
    plane.jobs.delete(source)
    with pytest.raises(VidgenError) as caught:
        queue_job(plane, source_job_id=source)
    assert caught.value.code == "media_not_found"
    assert plane.jobs.counts()[JobStatus.QUEUED] == 0


@pytest.mark.parametrize("edited", [False, True], ids=["queued", "edited"])
def test_an_upload_that_a_job_is_to_be_made_from_meanwhile_stays(
    plane: ControlPlane, monkeypatch: pytest.MonkeyPatch, edited: bool
) -> None:
    """Fails when `_expire_uploads` deletes what it has found without another look: tried."""
    upload_id, waits = add_upload(plane), queue_job(plane).id
    with writing(plane.engine) as session:
        session.get_one(UploadRow, upload_id).created_at = 1.0
    spec = made_from(MediaRef(upload_id=upload_id))

    meanwhile(monkeypatch, lambda: need(plane, spec, waits if edited else None), "_awaited_uploads")
    assert cleaner(plane)._expire_uploads(30) == 0
    assert plane.uploads.get(upload_id) is not None
    assert [file.stem for file in plane.store.folders("uploads")] == [upload_id]


@pytest.mark.parametrize("field", ["image", "last_image"])
@pytest.mark.parametrize("kind", ["upload", "artifact"])
@pytest.mark.parametrize("edited", [False, True], ids=["queued", "edited"])
def test_no_job_is_made_from_what_was_deleted_meanwhile(
    plane: ControlPlane, field: str, kind: str, edited: bool
) -> None:
    """Its first picture's job is there, and so is the upload of the other.

    Fails when `create` looks for the job of the first picture alone, and when `change` looks for nothing: tried.
    """
    source, waits = finish_with(plane, 10), queue_job(plane).id
    (artifact,) = plane.jobs.get(source).artifacts  # type: ignore[union-attr]
    gone = MediaRef(artifact_id=artifact.id) if kind == "artifact" else MediaRef(upload_id=add_upload(plane))
    there = MediaRef(upload_id=add_upload(plane))
    plane.jobs.delete(source)
    plane.uploads.delete(gone.key)
    spec = made_from(gone, there) if field == "image" else made_from(there, gone)
    before = plane.jobs.get(waits)
    with pytest.raises(VidgenError) as caught:
        need(plane, spec, waits if edited else None)
    assert caught.value.code == "media_not_found"
    assert plane.jobs.get(waits) == before
    assert plane.jobs.counts()[JobStatus.QUEUED] == 1


def test_a_retake_whose_source_is_gone_can_still_be_edited(plane: ControlPlane) -> None:
    """Fails when `change` looks for the source that the job had before: tried."""
    source = finish_with(plane, 10)
    waits = queue_job(plane, source_job_id=source).id
    plane.jobs.delete(source)
    plane.jobs.change(waits, edited=ResolvedSpec(make_spec("another"), "1", source_job_id=source))
    assert plane.jobs.get(waits).spec.prompt == "another"  # type: ignore[union-attr]
