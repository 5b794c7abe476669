"""Events and the outbox: written in the very transaction that changed the job, so neither can be lost or invented."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Row, insert, select
from sqlalchemy.orm import Session

from vidgen.jobs.database.session import EVENT_LOCK, lock
from vidgen.jobs.database.tables import EndpointRow, JobEventRow, JobRow, OutboxRow, table_of
from vidgen.jobs.ids import new_id
from vidgen.jobs.reading import job_view, stored_job
from vidgen.jobs.state.tallies import count_event
from vidgen.jobs.views import Job
from vidgen.spec import JobStatus

CALLBACK = "callback"
NOTHING: Mapping[str, Any] = {}
# what an ending is called in the words of the video API, which has no cancelled videos
VIDEO_EVENTS = {"job.succeeded": "video.completed", "job.failed": "video.failed", "job.cancelled": "video.failed"}
_ENDPOINTS = table_of(EndpointRow)
# made once, as making them takes longer than running them
_EVENT, _DELIVERY = insert(table_of(JobEventRow)), insert(table_of(OutboxRow))


def record(session: Session, row: JobRow, kind: str, now: float, more: Mapping[str, Any] = NOTHING) -> Job:
    """Append an event that holds the job as it now is, and return that; a terminal one also fills the outbox.

    `more` (JSON) goes into the event beside the job's own fields.
    """
    session.flush()
    return append_event(session.connection(), row.id, kind, now, more)


def append_event(connection: Connection, job_id: str, kind: str, now: float, more: Mapping[str, Any] = NOTHING) -> Job:
    """`record` for a row that was written already."""
    # event ids must become visible in their order, or a reader who asks "after 7" misses a late 6
    lock(connection, EVENT_LOCK)
    row = stored_job(connection, job_id)
    assert row is not None, job_id
    job = job_view(connection, row)
    data = job.model_dump(mode="json")
    terminal = JobStatus(row.status).is_terminal
    event = {"job_id": job_id, "tenant": row.tenant, "kind": kind, "data": data | dict(more), "created_at": now}
    connection.execute(_EVENT, {**event, "terminal_round": row.round if terminal else None})
    count_event(connection, row, kind, now)
    if terminal:
        _announce(connection, row, kind, data, now)
    return job


def _announce(connection: Connection, row: Row[Any], kind: str, payload: dict[str, Any], now: float) -> None:
    enabled = select(_ENDPOINTS).where(_ENDPOINTS.c.enabled, _ENDPOINTS.c.tenant == row.tenant)
    # held, so that an endpoint deleted meanwhile cannot make this transaction fail on its foreign key
    endpoints = connection.execute(enabled.with_for_update(read=True, key_share=True))
    names = _names(row, kind)
    targets: list[tuple[str, str, str | None, str]] = [
        (it.id, it.url, it.id, heard[0]) for it in endpoints if (heard := [name for name in names if name in it.events])
    ]
    if row.callback_url is not None:
        targets.append((CALLBACK, row.callback_url, None, names[0]))
    event_id = new_id("evt")
    for target, url, endpoint_id, name in targets:
        delivery = {
            "id": new_id("whd"),
            "tenant": row.tenant,
            "event_id": event_id,
            "job_id": row.id,
            "round": row.round,
            "target": target,
            "endpoint_id": endpoint_id,
            "url": url,
            "kind": name,
            "payload": payload,
            "next_at": now,
            "created_at": now,
        }
        connection.execute(_DELIVERY, delivery)


def _names(row: Row[Any], kind: str) -> tuple[str, ...]:
    """What the event is called to receivers; one that knows several of the names hears the first of them alone."""
    return (VIDEO_EVENTS[kind], kind) if row.dialect == "video" else (kind,)
