"""/sweeps: one clip many times over with one or two fields varied, and the sheet that shows them side by side."""

import hashlib
from datetime import datetime

from flask import Blueprint, Response, jsonify, request
from pydantic import Field

from vidgen.jobs.sweeps import Sweep
from vidgen.spec import JobStatus
from vidgen.spec.base import SpecModel
from vidgen_web import sweeps
from vidgen_web.api.jobs import SUBMIT_PROBLEMS
from vidgen_web.caller import caller
from vidgen_web.operations import Media, Parameter, operation
from vidgen_web.problems import ProblemError
from vidgen_web.requests import json_model
from vidgen_web.services import services

blueprint = Blueprint("sweeps", __name__, url_prefix="/sweeps")

IDEMPOTENCY = Parameter(
    "Idempotency-Key", "Sending the same request again with the same key queues nothing new.", "header"
)


class AxisAnswer(SpecModel):
    """A field that is varied, and its values as the clips have them."""

    field: str
    values: tuple[str, ...]


class CellAnswer(SpecModel):
    """One clip: its place on the sheet and its job."""

    column: int
    row: int
    job_id: str
    status: JobStatus
    progress: float
    error_code: str | None


class SweepAnswer(SpecModel):
    """Clips that differ in one or two fields; those whose jobs were deleted are missing."""

    id: str
    created_at: datetime
    finished: bool = Field(description="Whether every job has ended.")
    axes: tuple[AxisAnswer, ...] = Field(description="Columns by the first one, rows by the second.")
    cells: tuple[CellAnswer, ...]
    sheet_url: str = Field(description="The labelled PNG; cells that are not made yet show their state.")


class SweepList(SpecModel):
    items: tuple[SweepAnswer, ...]


@blueprint.post("")
@operation(
    "Sweeps",
    "Queue a sweep",
    description="A job for every combination of the values given, 64 at most; all are queued, or none. Seeds of -1 "
    "are drawn and told; without a seed one is drawn for all clips.",
    body=sweeps.SweepRequest,
    scope="jobs:write",
    answers={202: SweepAnswer},
    parameters=(IDEMPOTENCY,),
    problems=tuple(code for code in SUBMIT_PROBLEMS if code not in ("url_refused", "too_many_calls", "invalid_media")),
)
def create() -> Response:
    asked = json_model(sweeps.SweepRequest)
    sweep, replayed = sweeps.queue(services(), asked, request.headers.get("Idempotency-Key"))
    response = jsonify(sweep_answer(sweep).model_dump(mode="json"))
    response.status_code = 202
    response.headers["Location"] = f"{caller().api}/sweeps/{sweep.id}"
    if replayed:
        response.headers["Idempotent-Replayed"] = "true"
    return response


@blueprint.get("")
@operation("Sweeps", "List the newest sweeps", scope="jobs:read", answers={200: SweepList})
def index() -> Response:
    found = tuple(map(sweep_answer, services().sweeps.newest()))
    return jsonify(SweepList(items=found).model_dump(mode="json"))


@blueprint.get("/<sweep_id>")
@operation("Sweeps", "Read a sweep", scope="jobs:read", answers={200: SweepAnswer}, problems=("not_found",))
def show(sweep_id: str) -> Response:
    return jsonify(sweep_answer(_existing(sweep_id)).model_dump(mode="json"))


@blueprint.get("/<sweep_id>/sheet")
@operation(
    "Sweeps",
    "The labelled contact sheet of a sweep",
    description="First, middle and last frame of every clip; all settings are inside the PNG, under the key vidgen.",
    scope="jobs:read",
    answers={200: Media("image/png", "What is there of the sweep; the state of what is not.")},
    problems=("not_found",),
)
def sheet(sweep_id: str) -> Response:
    sweep = _existing(sweep_id)
    states = "".join(f"{placed.job.id} {placed.job.status.value} " for placed in sweep.cells)
    tag = hashlib.sha256(states.encode()).hexdigest()[:32]
    if request.if_none_match.contains(tag):
        return Response(status=304, headers={"ETag": f'"{tag}"'})
    response = Response(sweeps.sheet(services(), sweep), content_type="image/png")
    response.set_etag(tag)
    response.headers["Cache-Control"] = "private, no-cache"
    return response


@blueprint.post("/<sweep_id>/cancel")
@operation(
    "Sweeps",
    "Cancel what is left of a sweep",
    description="Jobs that have ended stay as they are.",
    scope="jobs:write",
    answers={200: SweepAnswer},
    problems=("not_found",),
)
def cancel(sweep_id: str) -> Response:
    sweeps.cancel(services(), _existing(sweep_id))
    return jsonify(sweep_answer(_existing(sweep_id)).model_dump(mode="json"))


def sweep_answer(sweep: Sweep) -> SweepAnswer:
    return SweepAnswer(
        id=sweep.id,
        created_at=sweep.created_at,
        finished=all(placed.job.status.is_terminal for placed in sweep.cells),
        axes=tuple(AxisAnswer(field=axis.field, values=axis.values) for axis in sweep.axes),
        cells=tuple(
            CellAnswer(
                column=placed.column,
                row=placed.row,
                job_id=placed.job.id,
                status=placed.job.status,
                progress=placed.job.progress,
                error_code=placed.job.error.code if placed.job.error else None,
            )
            for placed in sweep.cells
        ),
        sheet_url=f"{caller().api}/sweeps/{sweep.id}/sheet",
    )


def _existing(sweep_id: str) -> Sweep:
    found = services().sweeps.get(sweep_id)
    if found is None:
        raise ProblemError("not_found", f"there is no sweep {sweep_id}")
    return found
