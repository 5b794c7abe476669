"""Queued but nobody claims: says so on the job, in its events and in the log, and fails what was to have started.

Run by workers and by the web process, since the worst case is that there are no workers. Any number may run at once.
"""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Engine, select
from sqlalchemy.orm import Session
from sqlmodel import col

from vidgen.jobs.database.clock import database_now
from vidgen.jobs.database.session import reading, writing
from vidgen.jobs.database.tables import JobEventRow, JobRow
from vidgen.jobs.history import record
from vidgen.jobs.line.admission import fits
from vidgen.jobs.line.pausing import QueueSwitch
from vidgen.jobs.repository import JobRepository
from vidgen.jobs.state.presence import Presence
from vidgen.jobs.tenants.quotas import may_run_another
from vidgen.jobs.views import Worker
from vidgen.spec import JobStatus

log = logging.getLogger(__name__)

AT_ONCE = 100
PASSED = "it was not started in time"
PROBLEMS = {
    "queue_paused": "the queue is paused",
    "no_workers": "no worker is running",
    "no_worker_fits": "no running worker has the memory that it needs",
    "not_claimed": "a worker is free, yet nobody took it",
}


class Watchdog:
    """`unclaimed_seconds`: how long a job may be due without being taken before it has a problem."""

    def __init__(
        self, engine: Engine, jobs: JobRepository, presence: Presence, switch: QueueSwitch, unclaimed_seconds: float
    ) -> None:
        self._engine = engine
        self._jobs = jobs
        self._presence = presence
        self._switch = switch
        self._unclaimed_seconds = unclaimed_seconds

    def look(self) -> None:
        """One round. Reads before it writes, because nearly always there is nothing to say."""
        late = self.fail_late()
        if late:
            log.warning("start deadlines passed", extra={"count": late})
        for code, count in self.mark().items():
            log.warning("queued but not taken", extra={"code": code, "count": count})

    def fail_late(self) -> int:
        """Fail the queued jobs whose start deadline is over; returns how many."""
        with reading(self._engine) as session:
            if session.scalar(select(col(JobRow.id)).where(*_late(database_now(session))).limit(1)) is None:
                return 0
        with writing(self._engine) as session:
            now = database_now(session)
            rows = session.scalars(select(JobRow).where(*_late(now)).limit(AT_ONCE).with_for_update(skip_locked=True))
            found = rows.all()
            for row in found:
                row.error_code, row.error_message, row.error_retryable = "start_deadline_passed", PASSED, True
                self._jobs.finish(session, row, JobStatus.FAILED, now)
            return len(found)

    def mark(self) -> "Counter[str]":
        """Write the problem of each job that waits too long, and an event when it is new; returns the new ones."""
        workers, paused = self._presence.alive(), self._switch.state().paused
        with reading(self._engine) as session:
            long_ago = database_now(session) - self._unclaimed_seconds
            idle = not _was_started_since(session, long_ago)
            allowed = may_run_another(self._jobs.max_running)
            columns = col(JobRow.id), col(JobRow.problem_code), col(JobRow.memory_need), allowed.label("allowed")
            due = (col(JobRow.status) == JobStatus.QUEUED, col(JobRow.run_after) <= long_ago)
            waiting = session.execute(select(*columns).where(*due, ~_came_back_since(long_ago))).all()
        changed = {
            job_id: problem
            for job_id, known, need, allowed in waiting
            # a job that its tenant's limit holds back waits for the tenant's other jobs, whoever is free
            if (problem := _problem(need, workers, paused=paused, idle=idle and allowed)) != known
        }
        fresh: Counter[str] = Counter()
        ids = list(changed)
        for start in range(0, len(ids), AT_ONCE):
            fresh.update(self._write({job_id: changed[job_id] for job_id in ids[start : start + AT_ONCE]}))
        return fresh

    def _write(self, changed: dict[str, str | None]) -> list[str]:
        """The codes that were written; jobs that have been taken meanwhile are left alone."""
        with writing(self._engine) as session:
            now = database_now(session)
            rows = select(JobRow).where(col(JobRow.id).in_(changed), col(JobRow.status) == JobStatus.QUEUED)
            codes = []
            for row in session.scalars(rows.with_for_update(skip_locked=True)).all():
                code = changed[row.id]
                if row.problem_code == code:
                    continue
                row.problem_code, row.problem_message = code, None if code is None else PROBLEMS[code]
                if code is not None:
                    record(session, row, "job.stalled", now)
                    codes.append(code)
            return codes


def _late(now: float) -> tuple[ColumnElement[bool], ...]:
    return col(JobRow.status) == JobStatus.QUEUED, col(JobRow.start_deadline) <= now


def _was_started_since(session: Session, moment: float) -> bool:
    return session.scalar(select(col(JobRow.id)).where(col(JobRow.started_at) > moment).limit(1)) is not None


def _came_back_since(moment: float) -> ColumnElement[bool]:
    """Whether a worker had the job until then: it kept its old place, `run_after`, but has not waited since."""
    of_the_job = col(JobEventRow.job_id) == col(JobRow.id)
    back = select(col(JobEventRow.id)).where(of_the_job, col(JobEventRow.kind) == "job.requeued")
    return back.where(col(JobEventRow.created_at) > moment).exists()


def _problem(need: Mapping[str, Any] | None, workers: Sequence[Worker], *, paused: bool, idle: bool) -> str | None:
    """Why a job that is due is not taken; None when the workers are simply busy."""
    if paused:
        return "queue_paused"
    if not workers:
        return "no_workers"
    fitting = [worker for worker in workers if fits(need, worker.capacity)]
    if not fitting:
        return "no_worker_fits"
    # between two jobs a worker looks free, too: only when nothing at all was taken is something wrong
    return "not_claimed" if idle and any(worker.job_id is None for worker in fitting) else None
