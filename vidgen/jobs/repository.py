"""Jobs as the web process and the command line see them; the worker's half is inherited from leases.py."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Engine, Select, bindparam, delete, func, insert, select
from sqlmodel import col

from vidgen.errors import VidgenError
from vidgen.jobs.awaited import check_sources
from vidgen.jobs.database.clock import as_datetime, database_now
from vidgen.jobs.database.cursors import cursor_after, page
from vidgen.jobs.database.grouped import GroupedWrites
from vidgen.jobs.database.session import CREATE_LOCK, lock, looking, reading, writing
from vidgen.jobs.database.tables import JOBS, ArtifactRow, IdempotencyRow, JobEventRow, JobRow, table_of
from vidgen.jobs.ending import Ending
from vidgen.jobs.files.storage import LocalStore
from vidgen.jobs.history import append_event, record
from vidgen.jobs.ids import new_id
from vidgen.jobs.leases import clear_progress
from vidgen.jobs.line.waiting import ANY_TIME, StartBy, Waiting
from vidgen.jobs.new_job import NewJob
from vidgen.jobs.reading import artifact_view, job_now, job_view, job_views, stored_job
from vidgen.jobs.tenants.quotas import Limits, Quotas
from vidgen.jobs.views import Artifact, Created, Dialect, Event, Job, Page
from vidgen.spec import NORMAL_PRIORITY, JobSpec, JobStatus

# named here because the class below has a method called list
Events = list[Event]
# what is written beside new jobs, given their ids
Also = Callable[[Connection, Sequence[str]], None]


class JobRepository(Waiting, Ending):
    """All about jobs, of one tenant or of all. Without a store, deleted jobs leave their files to the sweep."""

    def __init__(
        self,
        engine: Engine,
        store: LocalStore | None = None,
        *,
        quotas: Quotas | None = None,
        max_attempts: int = 3,
        retention_days: float = 30,
    ) -> None:
        self._quotas = quotas or Quotas(engine, Limits())
        super().__init__(engine, retention_days=retention_days, max_running=self._quotas.defaults.max_running)
        self._store = store
        self._creations = GroupedWrites(engine)
        self._max_attempts = max_attempts

    def create(
        self,
        spec: JobSpec,
        *,
        model_revision: str,
        max_queued: int,
        callback_url: str | None = None,
        dialect: Dialect = "job",
        source_job_id: str | None = None,
        priority: int = NORMAL_PRIORITY,
        start_by: StartBy = ANY_TIME,
        memory_need: Mapping[str, Any] | None = None,
        idempotency_key: str | None = None,
        body_hash: str | None = None,
        traceparent: str | None = None,
        together: int = 1,
    ) -> Created:
        """Queue a resolved spec. The same idempotency key with the same body gives the same job again.

        Idempotency keys are those of one actor, so that two API keys never meet in one. With `together` the job is
        refused unless there is room for that many, of which it is the first.
        Raises VidgenError: queue_full, quota_exceeded (retryable), storage_quota, idempotency_mismatch,
        media_not_found when what it is made from was deleted meanwhile.
        """
        new = NewJob(
            spec,
            model_revision=model_revision,
            callback_url=callback_url,
            dialect=dialect,
            source_job_id=source_job_id,
            priority=priority,
            start_by=start_by,
            memory_need=memory_need,
            idempotency_key=idempotency_key,
            body_hash=body_hash,
            traceparent=traceparent,
        )
        stored = new.stored()
        return self._creations.run(lambda connection: self._add(connection, new, stored, max_queued, together))

    def create_all(self, jobs: Sequence[NewJob], *, max_queued: int, also: Also) -> Sequence[Created]:
        """Queue all of them or none, and do what `also` does with their ids in the same transaction.

        Where the first one is a replay, it alone is returned. Raises as `create` does.
        """

        first_row, *rows = [job.stored() for job in jobs]

        def add(connection: Connection) -> Sequence[Created]:
            first = self._add(connection, jobs[0], first_row, max_queued, len(jobs))
            if first.replayed:
                return [first]
            others = zip(jobs[1:], rows, strict=True)
            made = [first, *(self._add(connection, job, row, max_queued) for job, row in others)]
            also(connection, [created.job.id for created in made])
            return made

        return self._creations.run(add)

    def _add(
        self, connection: Connection, new: NewJob, stored: Mapping[str, Any], max_queued: int, together: int = 1
    ) -> Created:
        # the count and the key are looked at by one creator at a time, so both limits are exact
        lock(connection, CREATE_LOCK)
        job_id, body_hash = new_id("job"), new.body_hash or stored["spec_hash"]
        replayed = self._replay(connection, new.idempotency_key, body_hash)
        if replayed is not None:
            return Created(replayed, replayed=True)
        check_sources(connection, new.spec, new.source_job_id)
        now = self._quotas.admit_job(connection, self._owner, max_queued, together)
        own = {"id": job_id, "tenant": self._owner, "status": JobStatus.QUEUED.value}
        asked = {**stored, **own, "max_attempts": self._max_attempts}
        times = {"run_after": now, "place": now, "start_deadline": new.start_by.deadline(now), "created_at": now}
        connection.execute(_JOB, {**asked, **times, "expires_at": now + self._retention_seconds})
        if new.idempotency_key is not None:
            key = {"tenant": self._owner, "key": self._own_key(new.idempotency_key), "body_hash": body_hash}
            connection.execute(_REMEMBER, {**key, "job_id": job_id, "created_at": now})
        return Created(append_event(connection, job_id, "job.queued", now), replayed=False)

    def replayed(self, idempotency_key: str, body_hash: str) -> Job | None:
        """The job that this key made before, if it did. Raises VidgenError idempotency_mismatch."""
        with looking(self._engine) as connection:
            return self._replay(connection, idempotency_key, body_hash)

    def get(self, job_id: str) -> Job | None:
        with looking(self._engine) as connection:
            row = stored_job(connection, job_id, self._tenant)
            return None if row is None else job_view(connection, row)

    def list(
        self,
        limit: int = 20,
        cursor: str | None = None,
        status: JobStatus | None = None,
        *,
        oldest_first: bool = False,
    ) -> Page[Job]:
        """Newest first, unless asked otherwise. Raises VidgenError invalid_cursor."""
        statement = select(JobRow).where(self._visible(col(JobRow.tenant)))
        if status is not None:
            statement = statement.where(col(JobRow.status) == status.value)
        with reading(self._engine) as session:
            rows, following = page(session, JobRow, statement, limit, cursor, oldest_first=oldest_first)
            return Page[Job](items=job_views(session, rows), next_cursor=following)

    def cursor_after(self, job_id: str) -> str:
        """The cursor with which a list goes on after this job. Raises VidgenError invalid_cursor."""
        with reading(self._engine) as session:
            row = session.scalar(self._one(job_id))
        if row is None:
            raise VidgenError(f"{job_id}: no such job; list from the start", code="invalid_cursor")
        return cursor_after(row)

    def counts(self) -> dict[JobStatus, int]:
        """How many jobs there are in each state."""
        with reading(self._engine) as session:
            own = select(col(JobRow.status), func.count()).where(self._visible(col(JobRow.tenant)))
            found = session.execute(own.group_by(col(JobRow.status)))
            return dict.fromkeys(JobStatus, 0) | {JobStatus(status): count for status, count in found}

    def retry(self, job_id: str, *, max_queued: int | None = None) -> Job:
        """Queue a failed or cancelled job again afresh. Raises as `create`, not_found, job_not_retryable."""
        with writing(self._engine) as session:
            lock(session, CREATE_LOCK)
            row = self._existing(session, job_id)
            if row.delete_requested:
                raise VidgenError(f"{job_id} is being deleted", code="job_not_retryable")
            if row.status not in (JobStatus.FAILED, JobStatus.CANCELLED):
                raise VidgenError(
                    f"{job_id} is {row.status}: only failed or cancelled jobs can be retried", code="job_not_retryable"
                )
            now = self._quotas.admit_job(session.connection(), row.tenant, max_queued)
            row.status, row.round, row.excused = JobStatus.QUEUED.value, row.round + 1, row.attempt
            row.run_after, row.place, row.expires_at = now, now, now + self._retention_seconds
            row.cancel_requested, row.stop_requested, row.memory_tier = False, False, 0
            row.finished_at, row.started_at = None, None
            row.error_code, row.error_message, row.error_retryable = None, None, False
            clear_progress(row)
            return record(session, row, "job.queued", now)

    def events(self, after: int, job_id: str | None = None, limit: int = 100) -> Events:
        """Events with an id above `after`, oldest first."""
        later = col(JobEventRow.id) > after, self._visible(col(JobEventRow.tenant))
        statement = select(JobEventRow).where(*later).order_by(col(JobEventRow.id)).limit(limit)
        if job_id is not None:
            statement = statement.where(col(JobEventRow.job_id) == job_id)
        with reading(self._engine) as session:
            return [
                Event(
                    id=row.id or 0,
                    job_id=row.job_id,
                    kind=row.kind,
                    data=row.data,
                    created_at=as_datetime(row.created_at),
                )
                for row in session.scalars(statement)
            ]

    def last_event_id(self) -> int:
        with reading(self._engine) as session:
            return session.scalar(select(func.max(col(JobEventRow.id)))) or 0

    def prune_progress(self, older_than_seconds: float) -> None:
        """Forget old progress events; those that changed a job's status stay as long as the job."""
        with writing(self._engine) as session:
            oldest = database_now(session) - older_than_seconds
            session.execute(
                delete(JobEventRow).where(col(JobEventRow.kind) == "job.progress", col(JobEventRow.created_at) < oldest)
            )

    def artifact(self, artifact_id: str) -> Artifact | None:
        with reading(self._engine) as session:
            row = session.scalar(self._one_artifact(artifact_id))
            return None if row is None else artifact_view(row)

    def artifact_key(self, artifact_id: str) -> str | None:
        """Where the artifact's bytes lie in the store (LocalStore.path)."""
        with reading(self._engine) as session:
            row = session.scalar(self._one_artifact(artifact_id))
            return None if row is None else row.key

    def _one_artifact(self, artifact_id: str) -> Select[ArtifactRow]:
        statement = select(ArtifactRow).where(col(ArtifactRow.id) == artifact_id)
        return statement.join(JobRow).where(self._visible(col(JobRow.tenant)))

    def _own_key(self, idempotency_key: str) -> str:
        return f"{self._actor or ''} {idempotency_key}"

    def _replay(self, connection: Connection, key: str | None, body_hash: str) -> Job | None:
        asked = {"tenant": self._owner, "key": "" if key is None else self._own_key(key)}
        found = None if key is None else connection.execute(_REMEMBERED, asked).first()
        if found is None:
            return None
        if found.body_hash != body_hash:
            message = "this Idempotency-Key was used with another body; use a new key"
            raise VidgenError(message, code="idempotency_mismatch")
        return job_now(connection, found.job_id)


_KEYS = table_of(IdempotencyRow)
# written or asked with every creation: made once, as making them takes longer than running them
_JOB, _REMEMBER = insert(JOBS), insert(_KEYS)
_REMEMBERED = select(_KEYS).where(_KEYS.c.tenant == bindparam("tenant"), _KEYS.c.key == bindparam("key"))
