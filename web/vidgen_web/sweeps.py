"""One request many times over with one or two fields varied: queued together, shown on one sheet."""

import io
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any

from pydantic import Field

from vidgen.jobs.line.pokes import poke
from vidgen.jobs.new_job import NewJob
from vidgen.jobs.sweeps import NewCell, Placed, Sweep
from vidgen.jobs.views import Artifact, Created
from vidgen.spec import JobStatus
from vidgen.spec.base import SpecModel
from vidgen.spec.sweep import MOST_AXES, MOST_CLIPS, Axis, Cell, cells, title_of, told
from vidgen_web import observation, submission
from vidgen_web.media_check import check_media
from vidgen_web.services import Services
from vidgen_web.terms import Terms

Value = str | int | float | bool
Values = Annotated[tuple[Value, ...], Field(min_length=1, max_length=MOST_CLIPS)]


class Varied(SpecModel):
    """A field and the values it takes."""

    field: str = Field(max_length=100, description="Of the spec (`seed`, `prompt`, …) or `advanced.FIELD`.")
    values: Values = Field(description="A seed of -1 is drawn at random, each of them anew.")

    def axis(self) -> Axis:
        return Axis(self.field, tuple(map(_text, self.values)))


class SweepRequest(Terms):
    """What all clips share, and what differs: the first field by columns, a second one by rows."""

    spec: dict[str, Any] = Field(description="Fields as POST /jobs takes them.")
    vary: tuple[Varied, ...] = Field(min_length=1, max_length=MOST_AXES)


def queue(services: Services, asked: SweepRequest, idempotency_key: str | None) -> tuple[Sweep, bool]:
    """Queue a job for every combination, or none; also says whether the key made this sweep before.

    Raises VidgenError for what is refused.
    """
    body_hash = submission.sent_hash("sweep", asked.model_dump(mode="json"), {})
    before = submission.replayed(services, idempotency_key, body_hash)
    found = None if before is None else services.sweeps.of_job(before.job.id)
    if found is not None:
        return found, True
    axes = [varied.axis() for varied in asked.vary]
    made = cells(asked.spec, axes, lambda fields: submission.resolved(services, submission.parse(fields))[0])
    with observation.submitting() as traceparent:
        new = [_new(services, cell, asked, traceparent) for cell in made]
        if idempotency_key is not None:
            new[0] = _keyed(new[0], idempotency_key, body_hash)
        sweep, replayed = services.sweeps.create(services.jobs, new, told(made, axes), services.settings.max_queued)
    for placed in sweep.cells:
        observation.queued(Created(placed.job, replayed=replayed), services.settings)
    poke(services.settings)
    return sweep, replayed


def cancel(services: Services, sweep: Sweep) -> None:
    """Cancel every job that has not ended."""
    for placed in sweep.cells:
        if not placed.job.status.is_terminal:
            services.jobs.cancel(placed.job.id)


def sheet(services: Services, sweep: Sweep) -> bytes:
    """The PNG of the clips that are there, the state of the others in their place, all specs inside."""
    # drawing takes memory, and few requests ask for it
    from vidgen.media.contact_sheet import strip_of, write_sheet

    strips, missing = {}, {}
    for placed in sweep.cells:
        place, file = (placed.column, placed.row), _sprite_sheet(placed)
        key = None if file is None else services.jobs.artifact_key(file.id)
        if file is None or key is None:
            missing[place] = placed.job.status.value
        else:
            strips[place] = strip_of(services.store.path(key), file.num_frames or 1)
    across, *down = sweep.axes
    to = io.BytesIO()
    write_sheet(
        to,
        strips,
        columns=across.values,
        rows=down[0].values if down else ("",),
        title=title_of(sweep.cells[0].job.spec, sweep.axes),
        about=json.dumps([_facts(placed) for placed in sweep.cells]),
        missing=missing,
    )
    return to.getvalue()


def _new(services: Services, cell: Cell, asked: SweepRequest, traceparent: str) -> NewCell:
    spec, manifest = submission.resolved(services, cell.spec)  # type: ignore[arg-type]
    check_media(services, spec)
    job = NewJob(
        spec,
        model_revision=submission.revision_of(manifest),
        source_job_id=submission.source_job(services, spec),
        priority=asked.priority,
        start_by=asked.start,
        memory_need=submission.admitted(services, spec, manifest),
        traceparent=traceparent,
    )
    return NewCell(job, cell.column, cell.row)


def _keyed(cell: NewCell, idempotency_key: str, body_hash: str) -> NewCell:
    return replace(cell, job=replace(cell.job, idempotency_key=idempotency_key, body_hash=body_hash))


def _sprite_sheet(placed: Placed) -> Artifact | None:
    if placed.job.status is not JobStatus.SUCCEEDED:
        return None
    return next((file for file in placed.job.artifacts if file.kind == "sprite_sheet"), None)


def _facts(placed: Placed) -> Mapping[str, object]:
    return {
        "column": placed.column,
        "row": placed.row,
        "job_id": placed.job.id,
        "spec": placed.job.spec.model_dump(mode="json"),
    }


def _text(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
