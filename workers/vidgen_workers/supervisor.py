"""Takes jobs one at a time and sees each to its end: runner, lease, progress, cancel, publishing, failure."""

import logging
import signal
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from sqlalchemy.exc import OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from vidgen.errors import ModelError, VidgenError
from vidgen.jobs.fence import LeaseLost
from vidgen.jobs.leases import ANY
from vidgen.jobs.line.admission import out_of_memory_advice
from vidgen.jobs.retries import OUT_OF_MEMORY
from vidgen.jobs.service import ControlPlane
from vidgen.jobs.views import Capacity, Claim, FinishedChunk, FinishedFile
from vidgen.spec import JobStatus, TrainLora, Unsampled, media_refs
from vidgen.telemetry import context
from vidgen.telemetry.traceparent import trace_of
from vidgen.telemetry.tracing import past_span, span
from vidgen_models.registry import ModelRegistry
from vidgen_workers.installing import install
from vidgen_workers.lease_keeper import LeaseKeeper
from vidgen_workers.oom_kills import oom_kills
from vidgen_workers.protocol import ChunkDone, Exited, Failed, Finished, Repairing, Reported, Run, WasCancelled
from vidgen_workers.publishing import make_scratch, publish
from vidgen_workers.reporter import Reporter
from vidgen_workers.runner_process import KILL_SECONDS, RunnerProcess
from vidgen_workers.stage_clock import StageClock

log = logging.getLogger(__name__)

TICK_SECONDS = 0.1
SETTLE_PAUSE_SECONDS = 0.5
# of a new process: it loads its libraries before it says a word
START_SECONDS = 60.0
# a drain that is asked to stop ends the runner first, then writes that the job is free
CLOSE_SECONDS = KILL_SECONDS + 3.0


class Stopping(Exception):
    """This worker was asked to stop; the job in hand goes back to the queue."""


class Supervisor:
    """One worker's hands. `drain` may be called by any number of threads; one works, the others return at once."""

    def __init__(self, plane: ControlPlane, runner: RunnerProcess, owner: str, capacity: Capacity = ANY) -> None:
        self._plane = plane
        self._jobs = plane.jobs
        self._settings = plane.settings
        self._runner = runner
        self.owner = owner
        self.capacity = capacity
        self._models = ModelRegistry(*plane.settings.manifest_folders)
        self._working = threading.Lock()
        self._stopping = threading.Event()
        self.current_job: str | None = None

    @property
    def busy(self) -> bool:
        return self._working.locked()

    def request_stop(self) -> None:
        """Release the job in hand and take no other. Safe in a signal handler."""
        self._stopping.set()

    def drain(self) -> None:
        """Run jobs until none is left or the worker is asked to stop."""
        if not self._working.acquire(blocking=False):
            return
        try:
            while not self._stopping.is_set() and self.run_next():
                pass
        finally:
            self._working.release()

    def close(self) -> None:
        """End the runner, after request_stop. Waits, not for ever, for a drain that still hands its job back."""
        idle = self._working.acquire(timeout=CLOSE_SECONDS)
        if not idle:
            log.warning("closed while a job is in hand", extra={"job": self.current_job})
        try:
            self._runner.stop()
        finally:
            if idle:
                self._working.release()

    def run_next(self) -> bool:
        """Claim a job and see it to its end; False when nothing waited."""
        asked = time.time()
        claim = self._jobs.claim(self.owner, self._settings.lease_seconds, self.capacity)
        if claim is None:
            return False
        with (
            context.bound(**_ids(claim)),
            span("attempt", claim.traceparent, job=claim.job_id, attempt=claim.attempt) as trace,
        ):
            past_span("claim", trace, asked, time.time(), {})
            self._attempt(claim, StageClock(trace))
        return True

    def _attempt(self, claim: Claim, clock: StageClock) -> None:
        self.current_job = claim.job_id
        started = time.monotonic()
        log.info("claimed", extra={"model": claim.spec.model})
        finished = False
        try:
            status = self._see_through(claim, clock)
            finished = True
            log.info("ended", extra={"status": status, "seconds": round(time.monotonic() - started, 3)})
        except LeaseLost:
            log.warning("lease lost; work dropped")
        finally:
            clock.end(time.time())
            self._tell_times(clock)
            if not finished:
                self._runner.kill()  # it may still be at work on a job that is no longer ours
            self._plane.store.remove_scratch(claim.job_id, claim.attempt)
            self.current_job = None

    def _see_through(self, claim: Claim, clock: StageClock) -> JobStatus:
        settings = self._settings
        keeper = LeaseKeeper(
            self._jobs,
            claim,
            lease_seconds=settings.lease_seconds,
            heartbeat_seconds=settings.heartbeat_seconds,
            poll_seconds=settings.poll_seconds,
        )
        with keeper as lease:
            try:
                self._runner.run(self._order(claim))
                outcome = self._watch(claim, lease, clock)
                if isinstance(outcome, Finished):
                    with span("publish", clock.trace):
                        files = publish(self._plane.store, claim, outcome.files)
                        self._install(claim, files)
                    return self._settle(lease, lambda: self._jobs.succeed(claim, files))
                if isinstance(outcome, Failed):
                    failed = self._explained(claim, outcome)
                    log.warning("failed", extra={"code": failed.code})
                    return self._fail(lease, claim, failed)
                return self._settle(lease, lambda: self._jobs.mark_cancelled(claim))
            except Stopping:
                self._runner.stop()
                return self._settle(lease, lambda: self._jobs.release(claim))
            except VidgenError as error:
                if isinstance(error, LeaseLost):
                    raise
                return self._fail(lease, claim, Failed(error.code, error.message, error.retryable))

    def _install(self, claim: Claim, files: Sequence[FinishedFile]) -> None:
        """Weights that a job made are there for others before it is told to have succeeded."""
        if isinstance(claim.spec, TrainLora):
            weights = next(file for file in files if file.kind == "lora")
            install(claim.spec, files, self._plane.store.path(weights.key), self._settings.added_models, claim.tenant)

    def _tell_times(self, clock: StageClock) -> None:
        try:
            self._plane.stage_times.add(clock.seconds)
        except SQLAlchemyError as error:
            log.warning("stage times not written: %s", type(error).__name__)

    def _order(self, claim: Claim) -> Run:
        """The runner's message. Raises VidgenError media_missing, storage_failed."""
        out_dir = make_scratch(self._plane.store, claim)
        lender = None if claim.source_job_id is None else str(self._plane.store.chunk_folder(claim.source_job_id))
        media = {ref.key: str(self._media_path(ref.key)) for ref in media_refs(claim.spec)}
        return Run(
            claim.job_id,
            claim.spec.model_dump(mode="json"),
            media,
            str(out_dir),
            _ids(claim),
            str(self._plane.store.chunk_folder(claim.job_id)),
            claim.memory_tier,
            lender,
        )

    def _media_path(self, key: str) -> Path:
        if key.startswith("upl_"):
            path = self._plane.uploads.path(key)
        else:
            stored = self._jobs.artifact_key(key)
            path = None if stored is None else self._plane.store.path(stored)
        if path is None or not path.is_file():
            raise VidgenError(f"{key}: it no longer exists; upload it again", code="media_missing")
        return path

    def _watch(self, claim: Claim, lease: LeaseKeeper, clock: StageClock) -> Finished | Failed | WasCancelled:
        """Listen to the runner until it is done, dead, silent, cancelled or to be dropped.

        Raises LeaseLost, Stopping.
        """
        reporter = Reporter(self._jobs, self._plane.store, claim)
        cancelled_at: float | None = None
        told_to_end = False
        kills = oom_kills()
        heard = time.monotonic() + START_SECONDS
        while True:
            message = self._runner.receive(TICK_SECONDS)
            if message is not None:
                heard = time.monotonic()
            if lease.lost:
                raise LeaseLost(claim)
            if isinstance(message, Reported):
                progress = message.progress()
                clock.saw(progress.stage, message.at)
                reporter.take(progress)
            elif isinstance(message, ChunkDone):
                self._committed(claim, message)
            elif isinstance(message, Repairing):
                self._told(claim, message)
            elif isinstance(message, Finished | Failed | WasCancelled):
                clock.end(time.time())
                reporter.flush(now=True)
                return message
            elif isinstance(message, Exited) and not self._stopping.is_set():
                death = self._death(kills)
                return WasCancelled() if lease.cancelled else death
            # after the message: a clip that was finished in this very moment is published, not made again
            if self._stopping.is_set():
                raise Stopping
            if lease.stop_asked and not told_to_end:
                self._runner.end_early()
                told_to_end = True
            if lease.cancelled:
                cancelled_at = self._press(cancelled_at)
            elif time.monotonic() - heard > self._settings.silence_seconds:
                return self._hung()
            else:
                reporter.flush()

    def _press(self, cancelled_at: float | None) -> float:
        """Cancel, with growing force: ask, then TERM when half the grace is over, then KILL at its end."""
        if cancelled_at is None:
            self._runner.cancel()
            return time.monotonic()
        waited, grace = time.monotonic() - cancelled_at, self._settings.cancel_grace_seconds
        if waited > grace:
            log.warning("runner killed: it ignored a cancel")
            self._runner.kill()
        elif waited > grace / 2:
            self._runner.terminate()
        return cancelled_at

    def _committed(self, claim: Claim, chunk: ChunkDone) -> None:
        """Raises LeaseLost."""
        try:
            finished = FinishedChunk(chunk.n, chunk.key, chunk.sha256, chunk.seed, chunk.size, chunk.about)
            self._jobs.commit_chunk(claim, finished)
        except SQLAlchemyError as error:
            # the file is what the next attempt looks for; the row says how far it is
            log.warning("chunk not written down: %s", type(error).__name__)

    def _told(self, claim: Claim, message: Repairing) -> None:
        """Raises LeaseLost."""
        try:
            self._jobs.tell_repair(claim, message.repair)
        except SQLAlchemyError as error:
            # the receipt tells of all attempts once more
            log.warning("repair not written down: %s", type(error).__name__)

    def _explained(self, claim: Claim, failed: Failed) -> Failed:
        """An out-of-memory failure with what would fit, and the memory given back before the next attempt."""
        if failed.code != OUT_OF_MEMORY or isinstance(claim.spec, Unsampled):
            return failed
        self._runner.stop()
        try:
            advice = out_of_memory_advice(claim.spec, self._models.get(claim.spec.model), self.capacity)
        except ModelError:
            return failed
        return replace(failed, message=advice)

    def _death(self, kills_before: int | None) -> Failed:
        """Why the runner's pipe closed. Afterwards it is gone: a pipe closes a moment before its process can be waited
        for, and a job that was sent to the dying one would never be heard of again."""
        killed = self._runner.wait(SETTLE_PAUSE_SECONDS) == -signal.SIGKILL
        self._runner.stop()
        kills = oom_kills()
        if killed and kills is not None and kills_before is not None and kills > kills_before:
            return Failed(OUT_OF_MEMORY, "the kernel ended the process for want of memory", retryable=True)
        return Failed("worker_lost", "the process that ran the job died", retryable=True)

    def _hung(self) -> Failed:
        """The end of a runner that lives and says nothing: its lease would be renewed for ever."""
        seconds = f"{self._settings.silence_seconds:g}"
        log.warning("runner killed: it said nothing for %s s", seconds)
        self._runner.kill()
        return Failed("render_hung", f"the render said nothing for {seconds} s and was ended", retryable=True)

    def _fail(self, lease: LeaseKeeper, claim: Claim, failed: Failed) -> JobStatus:
        # on a full disk it is the draft that leaves the database no room to say so
        self._plane.store.remove_scratch(claim.job_id, claim.attempt)
        return self._settle(lease, lambda: self._jobs.fail(claim, failed.code, failed.message, failed.retryable))

    def _settle(self, lease: LeaseKeeper, write: Callable[[], JobStatus]) -> JobStatus:
        """The last write of an attempt outlasts a database that is briefly away, as long as the lease does."""
        while True:
            try:
                return write()
            except (OperationalError, PoolTimeout) as error:
                if lease.lost:
                    raise
                log.warning("last write failed, trying again: %s", type(error).__name__)
                time.sleep(SETTLE_PAUSE_SECONDS)


def _ids(claim: Claim) -> dict[str, object]:
    """What the log lines of an attempt carry, here and in the runner."""
    return {
        "job": claim.job_id,
        "attempt": claim.attempt,
        "tenant": claim.tenant,
        "trace": trace_of(claim.traceparent),
    }
