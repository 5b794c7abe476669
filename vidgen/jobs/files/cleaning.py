"""Removes what its time has passed or what nobody refers to: expired jobs, old uploads, files left by crashes."""

import logging
import shutil
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Mapped
from sqlmodel import col

from vidgen.errors import VidgenError
from vidgen.jobs.awaited import UNFINISHED, is_awaited
from vidgen.jobs.database.clock import database_now
from vidgen.jobs.database.session import CREATE_LOCK, lock, reading, writing
from vidgen.jobs.database.tables import ArtifactRow, JobChunkRow, JobRow, UploadRow
from vidgen.jobs.files.storage import LocalStore
from vidgen.jobs.files.uploads import UploadRepository
from vidgen.jobs.repository import JobRepository
from vidgen.jobs.tenants.keys import KeyRepository
from vidgen.jobs.webhooks.deliveries import DeliveryRepository
from vidgen.spec import JobStatus

log = logging.getLogger(__name__)

DAY = 86400.0
GIGABYTE = 10**9
# files younger than this may belong to a transaction that has not committed yet
ORPHAN_SECONDS = 3600.0
PROGRESS_SECONDS = 3600.0
# no upload takes this long to come in
INCOMING_SECONDS = DAY
# databases bound the number of values in one statement
IDS_AT_ONCE = 500


class Cleaner:
    """Each step may be repeated, run by several workers at once, and be cut short anywhere."""

    def __init__(
        self, engine: Engine, store: LocalStore, jobs: JobRepository, uploads: UploadRepository, incoming: Path
    ) -> None:
        self._engine = engine
        self._store = store
        self._jobs = jobs
        self._uploads = uploads
        self._incoming = incoming

    def clean(
        self,
        retention_days: float,
        orphan_seconds: float = ORPHAN_SECONDS,
        disk_budget_gb: float | None = None,
        *,
        chunk_days: float | None = None,
    ) -> int:
        """Run every step; returns how many jobs, uploads, deliveries and orphans went."""
        self._jobs.prune_progress(PROGRESS_SECONDS)
        gone = self._expire_jobs() + self._expire_uploads(retention_days) + self._sweep(orphan_seconds)
        gone += DeliveryRepository(self._engine).prune(retention_days * DAY)
        if chunk_days is not None:
            self._expire_chunks(chunk_days * DAY)
        KeyRepository(self._engine).forget_sessions()
        return gone if disk_budget_gb is None else gone + self._shrink(round(disk_budget_gb * GIGABYTE))

    def _shrink(self, budget: int) -> int:
        """Delete the jobs that ended longest ago, record and files together, until the store is within its budget.

        Jobs without files stay: deleting them would free nothing.
        """
        excess, gone = self._store.disk_usage().used - budget, 0
        if excess <= 0:
            return 0
        awaited = self._awaited_jobs()
        for job_id in self._jobs.oldest_finished():
            size = 0 if job_id in awaited else self._store.job_size(job_id)
            if size == 0:
                continue
            if not self._delete(job_id):
                continue
            gone, excess = gone + 1, excess - size
            if excess <= 0:
                return gone
        log.warning("the disk budget is exceeded by what is not finished, awaited, or uploaded")
        return gone

    def _expire_jobs(self) -> int:
        expired, awaited = self._jobs.expired(), self._awaited_jobs()
        return sum(self._delete(job_id) for job_id in expired if job_id not in awaited)

    def _delete(self, job_id: str) -> bool:
        """Whether it went. The deletions before it may have taken long, so it is looked at once more."""
        try:
            return self._jobs.delete_unawaited(job_id)
        except VidgenError:
            return False  # retried or deleted by somebody meanwhile

    def _expire_chunks(self, seconds: float) -> None:
        """Let the chunks go of clips that ended so long ago, unless another job is to be made from them."""
        with reading(self._engine) as session:
            ended = (col(JobRow.finished_at).is_not(None), col(JobRow.finished_at) < database_now(session) - seconds)
            kept = select(col(JobChunkRow.job_id)).join(JobRow).where(*ended, col(JobChunkRow.size) > 0).distinct()
            old = set(session.scalars(kept)) - set(self._awaited_jobs())
        for job_id in old:
            aside = self._release_chunks(job_id, seconds)
            if aside is not None:
                _remove(aside)

    def _release_chunks(self, job_id: str, seconds: float) -> Path | None:
        """Forget the chunks of a clip that is still as old and not awaited; returns the folder that may go now."""
        with writing(self._engine) as session:
            lock(session, CREATE_LOCK)
            row = session.get(JobRow, job_id, with_for_update=True)
            if row is None or row.finished_at is None or row.finished_at >= database_now(session) - seconds:
                return None  # deleted or retried by somebody meanwhile
            if is_awaited(session, job_id):
                return None
            session.execute(update(JobChunkRow).where(col(JobChunkRow.job_id) == job_id).values(size=0))
            # one rename, while the row is locked: a retry that comes after it finds an empty place of its own
            return self._store.set_chunks_aside(job_id)

    def _expire_uploads(self, retention_days: float) -> int:
        old = self._uploads.older_than(retention_days * DAY, keep=self._awaited_uploads())
        return sum(self._uploads.delete_unawaited(upload_id) for upload_id in old)

    def _sweep(self, orphan_seconds: float) -> int:
        return (
            self._remove_unknown("artifacts", orphan_seconds, self._known_jobs, lambda path: path.name)
            + self._remove_unknown("previews", orphan_seconds, self._known_jobs, lambda path: path.name)
            + self._remove_unknown("chunks", orphan_seconds, self._known_jobs, lambda path: path.name)
            + self._remove_unknown("uploads", orphan_seconds, self._known_uploads, lambda path: path.stem)
            + self._remove_unknown("scratch", orphan_seconds, self._running, lambda path: path.name)
            + self._remove_lost_attempts(orphan_seconds)
            + self._remove_incoming()
        )

    def _remove_unknown(
        self,
        folder: str,
        orphan_seconds: float,
        known: Callable[[Collection[str]], Collection[str]],
        name: Callable[[Path], str],
    ) -> int:
        old = {path: name(path) for path in self._store.folders(folder) if _is_older(path, orphan_seconds)}
        keep = known(old.values()) if old else ()
        orphans = [path for path, owner in old.items() if owner not in keep]
        for path in orphans:
            _remove(path)
        return len(orphans)

    def _remove_lost_attempts(self, orphan_seconds: float) -> int:
        """Files of attempts that were never published although their job has finished."""
        gone = 0
        for folder in self._store.folders("artifacts"):
            attempts = [path for path in folder.iterdir() if _is_older(path, orphan_seconds)]
            if attempts and self._is_finished(folder.name):
                for path in attempts:
                    if path.name not in self._published(folder.name):
                        _remove(path)
                        gone += 1
        return gone

    def _remove_incoming(self) -> int:
        """What web processes that were killed over an upload have left behind."""
        entries = self._incoming.iterdir() if self._incoming.is_dir() else ()
        left = [path for path in entries if _is_older(path, INCOMING_SECONDS)]
        for path in left:
            _remove(path)
        return len(left)

    def _awaited_uploads(self) -> Collection[str]:
        """Uploads that a job still needs, however long it has waited."""
        return self._awaited("upload_id")

    def _awaited_jobs(self) -> Collection[str]:
        """Finished jobs whose files another job still needs."""
        with reading(self._engine) as session:
            column, lender = col(ArtifactRow.job_id), col(JobRow.source_job_id)
            lenders = session.scalars(select(lender).where(lender.is_not(None), UNFINISHED))
            return {job_id for job_id in lenders if job_id} | {
                job_id
                for some in _batches(self._awaited("artifact_id"))
                for job_id in session.scalars(select(column).where(col(ArtifactRow.id).in_(some)))
            }

    def _awaited(self, kind: str) -> Collection[str]:
        """Ids in the media of waiting and running jobs. Read from the plain fields, as specs of another version hold
        them too."""
        with reading(self._engine) as session:
            specs = session.scalars(select(col(JobRow.spec)).where(UNFINISHED)).all()
        return {ref[kind] for ref in _objects(specs) if ref.get(kind)}

    def _known_jobs(self, ids: Collection[str]) -> Collection[str]:
        return self._existing(col(JobRow.id), ids)

    def _known_uploads(self, ids: Collection[str]) -> Collection[str]:
        return self._existing(col(UploadRow.id), ids)

    def _existing(self, column: Mapped[str], ids: Collection[str]) -> Collection[str]:
        with reading(self._engine) as session:
            return {
                found for some in _batches(ids) for found in session.scalars(select(column).where(column.in_(some)))
            }

    def _running(self, _names: Collection[str]) -> Collection[str]:
        with reading(self._engine) as session:
            rows = session.scalars(select(JobRow).where(col(JobRow.status) == JobStatus.RUNNING))
            return {f"{row.id}-{row.attempt}" for row in rows}

    def _is_finished(self, job_id: str) -> bool:
        with reading(self._engine) as session:
            row = session.get(JobRow, job_id)
            return row is not None and JobStatus(row.status).is_terminal

    def _published(self, job_id: str) -> Collection[str]:
        with reading(self._engine) as session:
            statement = select(col(ArtifactRow.attempt)).where(col(ArtifactRow.job_id) == job_id)
            return {str(attempt) for attempt in session.scalars(statement)}


def _objects(value: object) -> Iterator[dict[str, Any]]:
    """Every JSON object within a JSON value, itself included."""
    if isinstance(value, dict):
        yield value
    if isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _objects(part)


def _batches(ids: Iterable[str]) -> Iterator[list[str]]:
    rest = iter(ids)
    while some := list(islice(rest, IDS_AT_ONCE)):
        yield some


def _is_older(path: Path, seconds: float) -> bool:
    try:
        return path.stat().st_mtime < time.time() - seconds
    except FileNotFoundError:
        return False


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
