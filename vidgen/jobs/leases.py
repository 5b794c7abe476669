"""The worker's half of the repository: claim, heartbeat, report, and the ways out. Every write is fenced."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Engine, Select, select
from sqlalchemy.orm import Session
from sqlmodel import col

from vidgen.jobs.database.clock import database_now
from vidgen.jobs.database.session import CLAIM_LOCK, lock, reading, writing
from vidgen.jobs.database.tables import ArtifactRow, JobChunkRow, JobRow
from vidgen.jobs.fence import fenced_row, still_held
from vidgen.jobs.history import record
from vidgen.jobs.ids import new_id
from vidgen.jobs.line.admission import tier_for
from vidgen.jobs.line.turns import due, next_in_line, take_turn
from vidgen.jobs.retries import OUT_OF_MEMORY, may_retry, retry_delay
from vidgen.jobs.state.tallies import LEASES_LOST, count
from vidgen.jobs.views import Capacity, Claim, FinishedChunk, FinishedFile, Wishes
from vidgen.spec import JOB_SPEC, JobStatus, MemoryTier, Progress

DAY = 86400.0
ANY = Capacity()
WORKER_LOST = "the worker died while it ran the job, {used} times"
INVALID_SPEC = "this version of the service does not accept the spec that was stored with the job"


class Leases:
    """Transitions of running jobs. Lease times come from the database's clock alone."""

    def __init__(self, engine: Engine, *, retention_days: float = 30, max_running: int | None = None) -> None:
        """`max_running` is how many jobs of one tenant may run at once, where no exception was made for it."""
        self.max_running = max_running
        self._engine = engine
        self._retention_seconds = retention_days * DAY

    def claim(self, owner: str, lease_seconds: float, capacity: Capacity = ANY) -> Claim | None:
        """Take the job whose turn it is for `owner`, or None when nothing waits that fits. No two callers get the
        same attempt.

        Jobs whose stored spec is not valid any more are failed on the way: left waiting, the first of them would
        stop the queue for ever.
        """
        while self.claimable(capacity):
            with writing(self._engine) as session:
                # one claim at a time, or two would see the same number of running jobs and take the same turn
                lock(session, CLAIM_LOCK)
                now = database_now(session)
                waiting = next_in_line(now, capacity, self.max_running).with_for_update(skip_locked=True, of=JobRow)
                row = session.scalar(waiting)
                if row is None:
                    return None
                claim = self._claimed(session, row, owner, now, lease_seconds, capacity)
            if claim is not None:
                return claim
        return None

    def _claimed(
        self, session: Session, row: JobRow, owner: str, now: float, lease_seconds: float, capacity: Capacity
    ) -> Claim | None:
        """Start an attempt, or fail the job and return None when its spec is not valid any more."""
        try:
            spec = JOB_SPEC.validate_python(row.spec)
        except ValidationError:
            row.error_code, row.error_message, row.error_retryable = "invalid_spec", INVALID_SPEC, False
            self.finish(session, row, JobStatus.FAILED, now)
            return None
        take_turn(session, row.tenant)
        row.status, row.owner, row.attempt = JobStatus.RUNNING.value, owner, row.attempt + 1
        row.lease_until, row.started_at, row.start_deadline = now + lease_seconds, now, None
        row.memory_tier = tier_for(row.memory_need, row.memory_tier, capacity)
        clear_progress(row)
        record(session, row, "job.running", now)
        return Claim(
            job_id=row.id,
            attempt=row.attempt,
            owner=owner,
            spec=spec,
            max_attempts=row.max_attempts,
            tenant=row.tenant,
            traceparent=row.traceparent,
            memory_tier=MemoryTier(row.memory_tier),
            source_job_id=row.source_job_id,
        )

    def claimable(self, capacity: Capacity = ANY) -> bool:
        """Whether a worker of this capacity would get a job right now; a read, so idle workers write nothing."""
        with reading(self._engine) as session:
            waiting = select(col(JobRow.id)).where(*due(database_now(session), capacity, self.max_running))
            return session.scalar(waiting.limit(1)) is not None

    def heartbeat(self, claim: Claim, lease_seconds: float) -> Wishes:
        """Renew the lease; says what was asked of the job. Raises LeaseLost."""
        with writing(self._engine) as session:
            row = fenced_row(session, claim)
            row.lease_until = database_now(session) + lease_seconds
            return _wishes(row)

    def wishes(self, claim: Claim) -> Wishes:
        """A cheap look between heartbeats, so that a cancel need not wait for one. Raises LeaseLost."""
        with reading(self._engine) as session:
            return _wishes(still_held(session, claim))

    def report(self, claim: Claim, progress: Progress, eta_seconds: float | None = None) -> None:
        """Write progress and its event; callers keep it to two a second. Raises LeaseLost."""
        with writing(self._engine) as session:
            row = fenced_row(session, claim)
            row.stage, row.step, row.total_steps = progress.stage.value, progress.step, progress.total_steps
            # a stage that knows no chunks, as decoding, comes after the last of them
            row.chunk, row.total_chunks = progress.chunk or row.chunk, progress.total_chunks or row.total_chunks
            row.progress = min(max(progress.fraction, row.progress, 0.0), 1.0)
            row.eta_seconds = eta_seconds
            row.preview_version += progress.preview is not None
            record(session, row, "job.progress", database_now(session))

    def commit_chunk(self, claim: Claim, chunk: FinishedChunk) -> None:
        """Write down that a chunk is safe; a later one of the same number takes its row. Raises LeaseLost."""
        with writing(self._engine) as session:
            fenced_row(session, claim)
            found = session.get(JobChunkRow, (claim.job_id, chunk.n))
            row = found or JobChunkRow(
                job_id=claim.job_id, n=chunk.n, key=chunk.key, sha256=chunk.sha256, seed=chunk.seed, created_at=0.0
            )
            row.attempt, row.key, row.sha256, row.seed = claim.attempt, chunk.key, chunk.sha256, chunk.seed
            row.size, row.about = chunk.size, dict(chunk.about)
            row.created_at = database_now(session)
            session.add(row)

    def tell_repair(self, claim: Claim, repair: Mapping[str, Any]) -> None:
        """Say at once that a joint showed, or what was tried about it (JSON). Raises LeaseLost."""
        with writing(self._engine) as session:
            row = fenced_row(session, claim)
            record(session, row, "job.repair", database_now(session), {"repair": dict(repair)})

    def chunks(self, job_id: str) -> tuple[FinishedChunk, ...]:
        """The committed chunks of a job, in order."""
        with reading(self._engine) as session:
            rows = select(JobChunkRow).where(col(JobChunkRow.job_id) == job_id).order_by(col(JobChunkRow.n))
            return tuple(
                FinishedChunk(row.n, row.key, row.sha256, row.seed, row.size, row.about)
                for row in session.scalars(rows)
            )

    def succeed(self, claim: Claim, artifacts: Sequence[FinishedFile]) -> JobStatus:
        """Publish the files and finish; a cancel accepted before this ends the job as cancelled. Raises LeaseLost."""
        with writing(self._engine) as session:
            row, now = fenced_row(session, claim), database_now(session)
            if row.cancel_requested:
                return self.finish(session, row, JobStatus.CANCELLED, now)
            for file in artifacts:
                session.add(_artifact_row(claim, file, now))
            row.progress = 1.0
            return self.finish(session, row, JobStatus.SUCCEEDED, now)

    def fail(self, claim: Claim, code: str, message: str, retryable: bool) -> JobStatus:
        """Requeue when the failure is transient and attempts are left, else finish as failed. Raises LeaseLost."""
        with writing(self._engine) as session:
            row, now = fenced_row(session, claim), database_now(session)
            used = row.attempt - row.excused
            if row.cancel_requested:
                return self.finish(session, row, JobStatus.CANCELLED, now)
            if may_retry(
                code, retryable=retryable, used=used, max_attempts=row.max_attempts, memory_tier=row.memory_tier
            ):
                if code == OUT_OF_MEMORY:
                    row.memory_tier = MemoryTier.LOW
                return self._requeue(session, row, now, run_after=now + retry_delay(used))
            row.error_code, row.error_message, row.error_retryable = code, message, retryable
            return self.finish(session, row, JobStatus.FAILED, now)

    def mark_cancelled(self, claim: Claim) -> JobStatus:
        """Finish as cancelled. Raises LeaseLost."""
        with writing(self._engine) as session:
            row = fenced_row(session, claim)
            return self.finish(session, row, JobStatus.CANCELLED, database_now(session))

    def release(self, claim: Claim) -> JobStatus:
        """Hand the job back unharmed (the worker is asked to stop); the attempt does not count. Raises LeaseLost."""
        with writing(self._engine) as session:
            row, now = fenced_row(session, claim), database_now(session)
            if row.cancel_requested:
                return self.finish(session, row, JobStatus.CANCELLED, now)
            row.excused += 1
            return self._requeue(session, row, now, run_after=row.run_after)

    def expire_leases(self) -> int:
        """Requeue, fail or cancel the jobs of silent workers; returns how many there were.

        Looks before it writes, because every worker asks this every few seconds and nearly always there are none.
        """
        with reading(self._engine) as session:
            if session.scalar(_lost(database_now(session)).limit(1)) is None:
                return 0
        with writing(self._engine) as session:
            now = database_now(session)
            rows = session.scalars(_lost(now).with_for_update(skip_locked=True)).all()
            for row in rows:
                self.lose(session, row, now)
            return len(rows)

    def bury(self, owner: str) -> int:
        """Take the jobs of a worker that is known to be dead, without waiting for its lease; returns how many.

        Only for who has seen its process end: a live worker would find its lease lost.
        """
        with writing(self._engine) as session:
            now = database_now(session)
            held = select(JobRow).where(col(JobRow.status) == JobStatus.RUNNING, col(JobRow.owner) == owner)
            rows = session.scalars(held.with_for_update()).all()
            for row in rows:
                self.lose(session, row, now)
            return len(rows)

    def lose(self, session: Session, row: JobRow, now: float) -> None:
        """What becomes of a running job whose lease has run out, or whose worker is dead."""
        used = row.attempt - row.excused
        if row.cancel_requested:
            self.finish(session, row, JobStatus.CANCELLED, now)
        elif used < row.max_attempts:
            # it was first in the queue once, so it is first again
            self._requeue(session, row, now, run_after=row.run_after)
        else:
            row.error_code, row.error_message, row.error_retryable = "worker_lost", WORKER_LOST.format(used=used), True
            self.finish(session, row, JobStatus.FAILED, now)
        # after the event, whose lock keeps two of these transactions from waiting for each other
        count(session, LEASES_LOST)

    def finish(self, session: Session, row: JobRow, status: JobStatus, now: float) -> JobStatus:
        """The terminal transition: status, event and outbox rows in the caller's transaction."""
        row.status, row.finished_at, row.expires_at = status.value, now, now + self._retention_seconds
        row.owner = row.lease_until = row.stage = row.eta_seconds = row.start_deadline = None
        row.problem_code = row.problem_message = None
        if status is not JobStatus.FAILED:
            row.error_code, row.error_message, row.error_retryable = None, None, False
        record(session, row, f"job.{status}", now)
        return status

    def _requeue(self, session: Session, row: JobRow, now: float, run_after: float) -> JobStatus:
        row.status, row.run_after = JobStatus.QUEUED.value, run_after
        row.owner = row.lease_until = row.started_at = None
        clear_progress(row)
        record(session, row, "job.requeued", now)
        return JobStatus.QUEUED


def _lost(now: float) -> Select[JobRow]:
    """The running jobs whose lease has run out."""
    return select(JobRow).where(col(JobRow.status) == JobStatus.RUNNING, col(JobRow.lease_until) < now)


def _wishes(row: JobRow) -> Wishes:
    return Wishes(cancel=row.cancel_requested, stop=row.stop_requested)


def clear_progress(row: JobRow) -> None:
    """The row as before its first step; what kept it waiting is over, too."""
    row.stage, row.progress, row.step, row.total_steps, row.eta_seconds = None, 0.0, 0, 0, None
    row.chunk = row.total_chunks = 0
    row.problem_code = row.problem_message = None


def _artifact_row(claim: Claim, file: FinishedFile, now: float) -> ArtifactRow:
    return ArtifactRow(
        id=new_id("art"),
        job_id=claim.job_id,
        attempt=claim.attempt,
        kind=file.kind,
        key=file.key,
        filename=file.filename,
        content_type=file.content_type,
        size=file.size,
        sha256=file.sha256,
        width=file.width,
        height=file.height,
        num_frames=file.num_frames,
        fps=file.fps,
        created_at=now,
    )
