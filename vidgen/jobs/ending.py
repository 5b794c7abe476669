"""How jobs end because a person says so, and how they are removed: cancel, stop, delete."""

import contextlib
from collections.abc import Iterator

from sqlalchemy import literal, select, true, tuple_
from sqlalchemy.orm import Session
from sqlmodel import col

from vidgen.errors import VidgenError
from vidgen.jobs.awaited import is_awaited
from vidgen.jobs.database.clock import database_now
from vidgen.jobs.database.session import CREATE_LOCK, lock, reading, writing
from vidgen.jobs.database.tables import JobRow
from vidgen.jobs.files.storage import LocalStore
from vidgen.jobs.history import record
from vidgen.jobs.leases import Leases
from vidgen.jobs.owned_jobs import OwnedJobs
from vidgen.jobs.reading import job_now
from vidgen.jobs.views import Job
from vidgen.spec import JOB_SPEC, JobStatus


class Ending(OwnedJobs, Leases):
    """Without a store, deleted jobs leave their files to the sweep."""

    _store: LocalStore | None

    def cancel(self, job_id: str) -> Job:
        """Queued: cancelled at once. Running: asked of its worker. Finished: unchanged. Raises not_found."""
        with writing(self._engine) as session:
            return self._cancelled(session, self._existing(session, job_id))

    def stop(self, job_id: str) -> Job:
        """Ask a running job to end after the chunk in hand and to keep what there is.

        Raises not_found, job_not_running, not_chunked.
        """
        with writing(self._engine) as session:
            row = self._existing(session, job_id)
            if row.status != JobStatus.RUNNING:
                raise VidgenError(f"{job_id} is {row.status}: only running jobs can be stopped", code="job_not_running")
            if not JOB_SPEC.validate_python(row.spec).chunked:
                raise VidgenError(
                    f"{job_id}: a {row.task} job is made in one piece and has nothing to keep; cancel it instead",
                    code="not_chunked",
                )
            row.stop_requested = True
            return record(session, row, "job.progress", database_now(session))

    def discard(self, job_id: str) -> Job:
        """Cancel a job that has not ended, and have it deleted once it has: by whoever sees it first. Raises not_found.

        Nobody works on a job that has ended, so its device is free and its files are nobody's when they go.
        """
        with writing(self._engine) as session:
            row = self._existing(session, job_id)
            first, row.delete_requested = not row.delete_requested, True
            job = self._cancelled(session, row)
            if first:  # last, as with receivers: who locks the log first and then their rows meets them coming back
                self._audit(session, "job.deleted", job_id)
            return job

    def delete_discarded(self, limit: int = 100) -> int:
        """Delete the ended jobs that were discarded; returns how many. What deletes them at once may have died."""
        ended = col(JobRow.status).in_([it for it in JobStatus if it.is_terminal])
        with reading(self._engine) as session:
            wanted = select(col(JobRow.id)).where(col(JobRow.delete_requested) == true(), ended)
            discarded = session.scalars(wanted.limit(limit)).all()
        for job_id in discarded:
            with contextlib.suppress(VidgenError):  # deleted by somebody else meanwhile
                self.delete(job_id)
        return len(discarded)

    def delete(self, job_id: str) -> None:
        """Remove a finished job, then its files. Raises not_found, job_not_finished."""
        with writing(self._engine) as session:
            self._delete_row(session, job_id)
        self._remove_files(job_id)

    def delete_unawaited(self, job_id: str) -> bool:
        """`delete`, unless a job that has not ended is to be made from this one; returns whether it went."""
        with writing(self._engine) as session:
            # whoever queues a job made from this one is seen here, or finds this one gone
            lock(session, CREATE_LOCK)
            if is_awaited(session, job_id):
                return False
            self._delete_row(session, job_id)
        self._remove_files(job_id)
        return True

    def expired(self, limit: int = 100) -> tuple[str, ...]:
        """Finished jobs whose time is over."""
        with reading(self._engine) as session:
            statement = select(col(JobRow.id)).where(
                col(JobRow.finished_at).is_not(None), col(JobRow.expires_at) < database_now(session)
            )
            return tuple(session.scalars(statement.limit(limit)))

    def oldest_finished(self, at_once: int = 100) -> Iterator[str]:
        """All finished jobs, those that ended longest ago first; they may be deleted meanwhile."""
        order = col(JobRow.finished_at), col(JobRow.id)
        ended = select(*order).where(col(JobRow.status).in_([it for it in JobStatus if it.is_terminal]))
        some = ended.order_by(*order).limit(at_once)
        while True:
            with reading(self._engine) as session:
                rows = session.execute(some).all()
            yield from (row.id for row in rows)
            if len(rows) < at_once:
                return
            last = tuple(literal(value) for value in rows[-1])
            some = ended.where(tuple_(*order) > tuple_(*last)).order_by(*order).limit(at_once)

    def _delete_row(self, session: Session, job_id: str) -> None:
        row = self._existing(session, job_id)
        if not JobStatus(row.status).is_terminal:
            raise VidgenError(f"{job_id} is {row.status}: cancel it before deleting it", code="job_not_finished")
        session.delete(row)
        if not row.delete_requested:  # else it was noted then, with the name of who asked
            self._audit(session, "job.deleted", job_id)

    def _remove_files(self, job_id: str) -> None:
        # after the rows: a crash before leaves files that the sweep finds, never a row whose files are gone
        if self._store is not None:
            self._store.remove_job(job_id)

    def _cancelled(self, session: Session, row: JobRow) -> Job:
        now = database_now(session)
        if row.status == JobStatus.RUNNING:
            row.cancel_requested = True
            # nobody is left to ask when the worker has died; its writes are fenced off should it come back
            if row.lease_until is not None and row.lease_until < now:
                self.finish(session, row, JobStatus.CANCELLED, now)
            else:
                record(session, row, "job.progress", now)
        elif row.status == JobStatus.QUEUED:
            row.cancel_requested = True
            self.finish(session, row, JobStatus.CANCELLED, now)
        session.flush()
        return job_now(session.connection(), row.id)
