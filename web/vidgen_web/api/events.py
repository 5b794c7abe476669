"""/events and /jobs/{id}/events: server-sent events, read from the database.

A stream opens with a snapshot; every further event carries the database's number, so that a client that lost its
connection sends Last-Event-ID and misses nothing. It ends with the key or the session that opened it, within seconds. A
stream holds one server thread: their number is bounded, tenants share it, and the excess is told to come back later.
While the database is away the streams wait for it.
"""

import json
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, TypeVar

from flask import Blueprint, Response, request
from sqlalchemy.exc import SQLAlchemyError

from vidgen.jobs.database.outages import is_outage
from vidgen.jobs.views import Event, Job
from vidgen.spec import JobStatus
from vidgen_web.answers import job_answer, linked
from vidgen_web.api.jobs import no_job
from vidgen_web.caller import Caller, caller
from vidgen_web.operations import Media, Parameter, operation
from vidgen_web.problems import ProblemError
from vidgen_web.services import Services, services

blueprint = Blueprint("events", __name__)

Answer = TypeVar("Answer")

POLL_SECONDS = 0.4
KEEP_ALIVE_SECONDS = 15.0
KEY_CHECK_SECONDS = 3.0
RECONNECT_MILLISECONDS = 2000
SNAPSHOT_PAGE = 100
LAST_EVENT_ID = Parameter("Last-Event-ID", "Resume after this event; no snapshot is sent then.", "header")
STREAM = Media(
    "text/event-stream",
    "`snapshot`, then `job.queued`, `job.changed`, `job.stalled`, `job.running`, `job.progress`, `job.repair`, "
    "`job.requeued`, `job.succeeded`, `job.failed`, `job.cancelled`, each with the job as JSON in `data`.",
)


@blueprint.get("/events")
@operation(
    "Events",
    "Follow all jobs",
    description="The snapshot is `{jobs: [...]}` with every queued and running job.",
    scope="jobs:read",
    answers={200: STREAM},
    parameters=(LAST_EVENT_ID,),
    problems=("bad_request", "too_many_streams"),
)
def every_job() -> Response:
    return _stream(services(), None)


@blueprint.get("/jobs/<job_id>/events")
@operation(
    "Events",
    "Follow one job until it ends",
    description="The snapshot is the job. The stream ends after the terminal event, or when the job is deleted; "
    "resuming after the terminal event answers 204, which tells browsers not to come back.",
    scope="jobs:read",
    answers={200: STREAM, 204: None},
    parameters=(LAST_EVENT_ID,),
    problems=("bad_request", "not_found", "too_many_streams"),
)
def one_job(job_id: str) -> Response:
    job = services().jobs.get(job_id)
    if job is None:
        raise no_job(job_id)
    after = _last_event_id()
    if after is not None and job.status.is_terminal and not services().jobs.events(after, job_id=job_id, limit=1):
        return Response(status=204)
    return _stream(services(), job_id)


def _stream(found: Services, job_id: str | None) -> Response:
    after = _last_event_id()
    who = caller()
    if not found.streams.take(who.tenant):
        raise ProblemError("too_many_streams", "too many event streams are open", headers={"Retry-After": "5"})
    is_gone = request.environ.get("waitress.client_disconnected", _never)
    events = _while_allowed(_events(found, job_id, after, is_gone), found, who)
    response = Response(events, content_type="text/event-stream; charset=utf-8")
    # on close and not in the generator's finally: a generator that never started runs no finally
    response.call_on_close(partial(found.streams.give_back, who.tenant))
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Accel-Buffering"] = "no"
    return response


def _last_event_id() -> int | None:
    given = request.headers.get("Last-Event-ID")
    if given is None or given == "":
        return None
    if not given.isdecimal() or len(given) > 18:
        raise ProblemError("bad_request", "Last-Event-ID: give the number of an event")
    return int(given)


def _never() -> bool:
    return False


def _while_allowed(events: Iterator[bytes], found: Services, who: Caller) -> Iterator[bytes]:
    """The stream, until a few seconds after the key or the session that opened it has ended."""
    checked = time.monotonic()
    for message in events:
        if who.key_id is not None and time.monotonic() - checked >= KEY_CHECK_SECONDS:
            if not _still_counts(found, who.key_id, who.session_id):
                return
            checked = time.monotonic()
        if message:
            yield message


def _events(found: Services, job_id: str | None, after: int | None, is_gone: Callable[[], bool]) -> Iterator[bytes]:
    yield f"retry: {RECONNECT_MILLISECONDS}\n\n".encode()
    if after is None:
        after = (
            found.jobs.last_event_id()
        )  # read first: what happens while the snapshot is read is sent again, not lost
        snapshot, over = _snapshot(found, job_id)
        yield _message("snapshot", after, snapshot)
        if over:
            return
    quiet_since = time.monotonic()
    while not found.stopping.is_set() and not is_gone():
        events = _unless_away(partial(found.jobs.events, after, job_id=job_id, limit=100)) or []
        for event in events:
            after = event.id
            quiet_since = time.monotonic()
            yield _message(event.kind, event.id, linked(event.data, found.api))
            if job_id is not None and _is_last(event):
                return
        if time.monotonic() - quiet_since >= KEEP_ALIVE_SECONDS:
            quiet_since = time.monotonic()
            # its events went with it, so that none will ever say that it has ended
            if job_id is not None and _unless_away(lambda: found.jobs.get(job_id) is None):
                return
            yield b": keep-alive\n\n"
        if not events:
            yield b""  # nothing to send, which is a moment to ask whether the stream may go on
            found.stopping.wait(POLL_SECONDS)


def _still_counts(found: Services, key_id: str, session_id: str | None) -> bool:
    """Nothing is told while nobody knows it."""
    while (counts := _unless_away(lambda: found.keys.still_counts(key_id, session_id))) is None:
        if found.stopping.wait(POLL_SECONDS):
            return False
    return counts


def _unless_away(ask: Callable[[], Answer]) -> Answer | None:
    """None while the database is away: the stream waits for it, and the events' numbers see to it that none is lost."""
    try:
        return ask()
    except SQLAlchemyError as error:
        if not is_outage(error):
            raise
        return None


def _snapshot(found: Services, job_id: str | None) -> tuple[dict[str, Any], bool]:
    if job_id is None:
        # by id: one that is requeued meanwhile is in both lists, and the later reading counts
        jobs = {job.id: job for status in (JobStatus.RUNNING, JobStatus.QUEUED) for job in _every(found, status)}
        return {"jobs": [job_answer(job, found.api) for job in jobs.values()]}, False
    job = found.jobs.get(job_id)
    if job is None:
        return {}, True
    return job_answer(job, found.api), job.status.is_terminal


def _every(found: Services, status: JobStatus) -> Iterator[Job]:
    """All jobs of this status, newest first, whatever their number."""
    page = found.jobs.list(limit=SNAPSHOT_PAGE, status=status)
    yield from page.items
    while page.next_cursor is not None:
        page = found.jobs.list(limit=SNAPSHOT_PAGE, status=status, cursor=page.next_cursor)
        yield from page.items


def _is_last(event: Event) -> bool:
    return JobStatus(event.data["status"]).is_terminal


def _message(kind: str, number: int, data: dict[str, Any]) -> bytes:
    return f"id: {number}\nevent: {kind}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n".encode()
