"""Drives the repository at random beside its model: every verb of people and of workers, zombies among them."""

import shutil
import tempfile
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
)
from sqlalchemy import select

from tests.jobs_fixtures import control_plane, make_spec
from tests.unit.jobs.queue_model import TERMINAL, ModelJob, QueueModel
from vidgen.errors import VidgenError
from vidgen.jobs.database.session import reading, writing
from vidgen.jobs.database.tables import JobChunkRow, JobEventRow, JobRow
from vidgen.jobs.fence import LeaseLost
from vidgen.jobs.line.waiting import ResolvedSpec, StartBy
from vidgen.jobs.service import ControlPlane
from vidgen.jobs.views import Claim, FinishedChunk
from vidgen.spec import JobStatus, Progress, Stage, TextToVideo

TENANTS = st.sampled_from(["anna", "bert", "carl"])
PRIORITIES = st.sampled_from([0, 5, 5, 9])
FAILURES = st.sampled_from([("worker_lost", True), ("invalid_media", False), ("out_of_memory", True)])
# what needs no disk: the databases of examples are many, small and short-lived
MEMORY = Path("/dev/shm")


class RepositoryMachine(RuleBasedStateMachine):
    """Subclasses may open another database (`open_plane`)."""

    jobs = Bundle("jobs")
    claims = Bundle("claims")

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.model = QueueModel()
        self.attempts: dict[str, int] = {}
        # the wishes of chunked jobs are tested, too
        self.chunked, TextToVideo.chunked = TextToVideo.chunked, True
        self.plane = self.open_plane()

    def open_plane(self) -> ControlPlane:
        folder = Path(tempfile.mkdtemp(dir=MEMORY if MEMORY.is_dir() else None))
        self.stack.callback(shutil.rmtree, folder, ignore_errors=True)
        return self.stack.enter_context(control_plane(folder))

    def teardown(self) -> None:
        """No job is lost: with workers that work, every one comes to its end."""
        try:
            self.plane.switch.resume()
            self._set_times(run_after=0.0)
            with writing(self.plane.engine) as session:
                for row in session.scalars(select(JobRow).where(JobRow.status == JobStatus.RUNNING)):
                    row.lease_until = 1.0
            self.plane.watchdog.fail_late()
            self.plane.jobs.expire_leases()
            while (claim := self.plane.jobs.claim("last", 60)) is not None:
                self.plane.jobs.succeed(claim, [])
            counts = self.plane.jobs.counts()
            assert counts[JobStatus.QUEUED] == counts[JobStatus.RUNNING] == 0
            assert sum(counts.values()) == len(self.model.jobs)
        finally:
            TextToVideo.chunked = self.chunked
            self.stack.close()

    # what people do

    @initialize(target=jobs, tenant=TENANTS)
    def first(self, tenant: str) -> str:
        return self.create(tenant, 5, False)

    @rule(target=jobs, tenant=TENANTS, priority=PRIORITIES, deadline=st.booleans())
    def create(self, tenant: str, priority: int, deadline: bool) -> str:
        start_by = StartBy(within_seconds=3600 if deadline else None)
        bound = self.plane.jobs.of(tenant)
        created = bound.create(make_spec(), model_revision="1", max_queued=1000, priority=priority, start_by=start_by)
        job = ModelJob(created.job.id, tenant, priority, self.model.next_place(), deadline=deadline)
        self.model.jobs[job.id] = job
        return job.id

    @rule(job_id=jobs)
    def cancel(self, job_id: str) -> None:
        job = self._known(job_id, lambda: self.plane.jobs.cancel(job_id))
        if job is not None:
            self.plane.jobs.cancel(job_id)
            self.model.cancel(job)

    @rule(job_id=jobs)
    def retry(self, job_id: str) -> None:
        job = self._known(job_id, lambda: self.plane.jobs.retry(job_id))
        if job is None:
            return
        if job.status in ("failed", "cancelled"):
            self.plane.jobs.retry(job_id)
            self.model.retry(job)
        else:
            self._refused(lambda: self.plane.jobs.retry(job_id), "job_not_retryable")

    @rule(job_id=jobs, priority=PRIORITIES, behind=st.sampled_from([0, 0, 1]), edited=st.booleans())
    def change(self, job_id: str, priority: int, behind: int, edited: bool) -> None:
        spec = ResolvedSpec(make_spec("edited"), "2") if edited else None

        def change(version: int = 1) -> None:
            self.plane.jobs.change(job_id, edited=spec, priority=priority, version=version)

        job = self._known(job_id, change)
        if job is None:
            return
        if job.status != "queued":
            self._refused(lambda: change(job.version), "job_not_queued")
        elif behind:
            self._refused(lambda: change(job.version - 1), "version_mismatch")
        else:
            change(job.version)
            job.priority, job.version = priority, job.version + 1

    @rule(job_id=jobs, other=st.none() | jobs)
    def move(self, job_id: str, other: str | None) -> None:
        job, before = self.model.jobs.get(job_id), self.model.jobs.get(other or "")
        tenant = self.plane.jobs if job is None else self.plane.jobs.of(job.tenant)
        if job is None or (other is not None and (before is None or before.tenant != job.tenant)):
            self._refused(lambda: tenant.move(job_id, before=other), "not_found", "job_not_queued")
        elif job.status != "queued" or (before is not None and before.status != "queued"):
            self._refused(lambda: tenant.move(job_id, before=other), "job_not_queued")
        else:
            tenant.move(job_id, before=other)
            self.model.move(job, before)

    @rule(job_id=jobs)
    def stop(self, job_id: str) -> None:
        job = self._known(job_id, lambda: self.plane.jobs.stop(job_id))
        if job is None:
            return
        if job.status == "running":
            self.plane.jobs.stop(job_id)
            job.stop = True
        else:
            self._refused(lambda: self.plane.jobs.stop(job_id), "job_not_running")

    @rule(job_id=jobs)
    def delete(self, job_id: str) -> None:
        job = self._known(job_id, lambda: self.plane.jobs.delete(job_id))
        if job is not None and job.status in TERMINAL:
            self.plane.jobs.delete(job_id)
            del self.model.jobs[job_id]
        elif job is not None:
            self._refused(lambda: self.plane.jobs.delete(job_id), "job_not_finished")

    @rule(paused=st.booleans())
    def switch(self, paused: bool) -> None:
        (self.plane.switch.pause if paused else self.plane.switch.resume)()
        self.model.paused = paused

    # what workers do

    @rule(target=claims, dies=st.booleans())
    def claim(self, dies: bool) -> object:
        claim = self._claim(dies=dies)
        return multiple() if claim is None else claim

    @rule(target=claims)
    def takeover(self) -> object:
        """A worker dies over a job, and another one takes what comes next, which is often that job."""
        first = self._claim(dies=True)
        self.expire()
        return multiple(*(it for it in (first, self._claim(dies=False)) if it is not None))

    def _claim(self, *, dies: bool) -> Claim | None:
        expected = self.model.next_in_line()
        claim = self.plane.jobs.claim("w", -1.0 if dies else 3600.0)
        assert (None if claim is None else claim.job_id) == (None if expected is None else expected.id)
        if claim is None or expected is None:
            return None
        self.model.start(expected, expired=dies)
        assert claim.attempt == expected.attempt
        assert claim.memory_tier == expected.tier
        return claim

    @rule(claim=claims)
    def heartbeat(self, claim: Claim) -> None:
        job = self._held(claim, lambda: self.plane.jobs.heartbeat(claim, 3600.0))
        if job is not None:
            wishes = self.plane.jobs.heartbeat(claim, 3600.0)
            assert (wishes.cancel, wishes.stop) == (job.cancel, job.stop)
            assert self.plane.jobs.wishes(claim) == wishes
            job.expired = False

    @rule(claim=claims)
    def report(self, claim: Claim) -> None:
        progress = Progress(Stage.DENOISING, 0.5, 1, 2)
        if self._held(claim, lambda: self.plane.jobs.report(claim, progress)) is not None:
            self.plane.jobs.report(claim, progress)

    @rule(claim=claims, n=st.integers(0, 2))
    def commit_chunk(self, claim: Claim, n: int) -> None:
        chunk = FinishedChunk(n, f"{n}-{claim.attempt}", f"{claim.attempt}", n)
        job = self._held(claim, lambda: self.plane.jobs.commit_chunk(claim, chunk))
        if job is not None:
            self.plane.jobs.commit_chunk(claim, chunk)
            job.chunks[n] = chunk.key

    @rule(claim=claims)
    def succeed(self, claim: Claim) -> None:
        job = self._held(claim, lambda: self.plane.jobs.succeed(claim, []))
        if job is not None:
            self.plane.jobs.succeed(claim, [])
            job.end("cancelled" if job.cancel else "succeeded")

    @rule(claim=claims, failure=FAILURES)
    def fail(self, claim: Claim, failure: tuple[str, bool]) -> None:
        code, retryable = failure
        job = self._held(claim, lambda: self.plane.jobs.fail(claim, code, "it broke", retryable))
        if job is not None:
            self.plane.jobs.fail(claim, code, "it broke", retryable)
            self.model.fail(job, code, retryable=retryable)

    @rule(claim=claims)
    def mark_cancelled(self, claim: Claim) -> None:
        job = self._held(claim, lambda: self.plane.jobs.mark_cancelled(claim))
        if job is not None:
            self.plane.jobs.mark_cancelled(claim)
            job.end("cancelled")

    @rule(claim=claims)
    def release(self, claim: Claim) -> None:
        job = self._held(claim, lambda: self.plane.jobs.release(claim))
        if job is not None:
            self.plane.jobs.release(claim)
            self.model.release(job)

    # what time and the reconcilers do

    @rule()
    def expire(self) -> None:
        assert self.plane.jobs.expire_leases() == self.model.expire()

    @rule()
    def fail_late(self) -> None:
        assert self.plane.watchdog.fail_late() == self.model.fail_late()

    @rule()
    def watch(self) -> None:
        self.plane.watchdog.mark()

    @precondition(lambda self: any(not job.due for job in self.model.queued()))
    @rule()
    def delays_pass(self) -> None:
        self._set_times(run_after=0.0)
        for job in self.model.queued():
            job.due = True

    @rule(job_id=jobs)
    def deadline_passes(self, job_id: str) -> None:
        job = self.model.jobs.get(job_id)
        if job is not None and job.status == "queued" and job.deadline:
            with writing(self.plane.engine) as session:
                session.get_one(JobRow, job_id).start_deadline = 1.0
            job.late = True

    # what must always hold

    @invariant()
    def the_rows_are_those_of_the_model(self) -> None:
        with reading(self.plane.engine) as session:
            rows = {row.id: row for row in session.scalars(select(JobRow))}
        assert rows.keys() == self.model.jobs.keys(), "a job was lost or came from nowhere"
        for job in self.model.jobs.values():
            row = rows[job.id]
            found = (row.status, row.attempt, row.round, row.priority, row.version, row.memory_tier)
            assert found == (job.status, job.attempt, job.round, job.priority, job.version, job.tier)
            assert row.attempt >= self.attempts.get(row.id, 0), "an attempt fell"
            self.attempts[row.id] = row.attempt

    @invariant()
    def each_round_ends_once(self) -> None:
        with reading(self.plane.engine) as session:
            kinds = [f"job.{status}" for status in TERMINAL]
            events = session.scalars(select(JobEventRow).where(JobEventRow.kind.in_(kinds)))  # type: ignore[attr-defined]
            told = Counter((event.job_id, event.terminal_round) for event in events)
        assert told == Counter((job.id, n) for job in self.model.jobs.values() for n in job.ended)

    @invariant()
    def chunks_are_those_of_their_owners(self) -> None:
        with reading(self.plane.engine) as session:
            found = {(row.job_id, row.n): row.key for row in session.scalars(select(JobChunkRow))}
        assert found == {(job.id, n): key for job in self.model.jobs.values() for n, key in job.chunks.items()}

    @invariant()
    def places_are_shown_in_the_order_of_the_turns(self) -> None:
        queued = self.plane.jobs.list(limit=1000, status=JobStatus.QUEUED).items
        assert [job.id for job in sorted(queued, key=lambda job: job.queue_position or 0)] == self.model.line()

    def _known(self, job_id: str, call: Callable[[], object]) -> ModelJob | None:
        """The job, or None after it was seen that `call` finds none."""
        job = self.model.jobs.get(job_id)
        if job is None:
            self._refused(call, "not_found")
        return job

    def _held(self, claim: Claim, call: Callable[[], object]) -> ModelJob | None:
        """The claimed job, or None after it was seen that the zombie's `call` is refused and changes nothing."""
        job = self.model.jobs.get(claim.job_id)
        if job is not None and job.status == "running" and job.attempt == claim.attempt:
            return job
        self._refused(call, LeaseLost.code)
        return None

    def _refused(self, call: Callable[[], object], *codes: str) -> None:
        last = self.plane.jobs.last_event_id()
        with pytest.raises(VidgenError) as caught:
            call()
        assert caught.value.code in codes
        assert self.plane.jobs.last_event_id() == last

    def _set_times(self, run_after: float) -> None:
        with writing(self.plane.engine) as session:
            for row in session.scalars(select(JobRow).where(JobRow.status == JobStatus.QUEUED)):
                row.run_after = run_after
