"""Grids: the composer's clip many times over with one or two values varied, and the page that shows them together."""

from dataclasses import replace
from typing import Any

from flask import Blueprint, redirect, render_template, url_for
from werkzeug.wrappers import Response as AnyResponse

from vidgen.errors import VidgenError
from vidgen.jobs.sweeps import Sweep
from vidgen.spec.sweep import axis_of
from vidgen_web import sweeps
from vidgen_web.access import needs
from vidgen_web.portal import csrf
from vidgen_web.portal.actions import refused, sent, with_uploads
from vidgen_web.portal.composer.labels import label
from vidgen_web.portal.composer.outlook import wanted_fields
from vidgen_web.portal.languages import gettext as _
from vidgen_web.portal.words import LABELS
from vidgen_web.problems import FieldError, ProblemError
from vidgen_web.requests import checked, plain_form
from vidgen_web.services import services

blueprint = Blueprint("grids", __name__, url_prefix="/grids")

AXES = 2


@blueprint.before_request
def check_form() -> None:
    csrf.check_form()


@blueprint.post("")
@needs("jobs:write")
def create() -> AnyResponse:
    """Queue a clip for every combination of what the composer varies, or none."""
    draft, brought = sent(), list[str]()
    try:
        draft = with_uploads(draft, brought)
        fields = {name: value for name, value in wanted_fields(draft).items() if name not in _named()}
        asked = checked(sweeps.SweepRequest, {"spec": fields, "vary": _varied()})
        sweep, _replayed = sweeps.queue(services(), asked, None)
    except VidgenError as error:
        for upload_id in brought:
            services().uploads.delete(upload_id)
        return refused(replace(sent(), opened=draft.opened | {"grid"}), error)
    return redirect(url_for("grids.show", sweep_id=sweep.id), 303)


@blueprint.get("/<sweep_id>")
@needs("jobs:read")
def show(sweep_id: str) -> str:
    sweep = _existing(sweep_id)
    names = [LABELS.get(axis.field) for axis in sweep.axes]
    called = [_(name) if name else label(axis.field) for name, axis in zip(names, sweep.axes, strict=True)]
    left = sum(not placed.job.status.is_terminal for placed in sweep.cells)
    states = "-".join(placed.job.status.value for placed in sweep.cells)
    return render_template("grid.html", sweep=sweep, called=called, left=left, states=abs(hash(states)))


@blueprint.post("/<sweep_id>/cancel")
@needs("jobs:write")
def cancel(sweep_id: str) -> AnyResponse:
    sweeps.cancel(services(), _existing(sweep_id))
    return redirect(url_for("grids.show", sweep_id=sweep_id), 303)


def _named() -> set[str]:
    return {axis["field"] for axis in _rows()}


def _rows() -> list[dict[str, str]]:
    form = plain_form()
    rows = ({part: form.get(f"vary.{n}.{part}", "").strip() for part in ("field", "values")} for n in range(AXES))
    return [row for row in rows if row["values"]]


def _varied() -> list[dict[str, Any]]:
    """The rows as the request has them. Raises SpecError, and ProblemError where nothing is to vary."""
    axes = [axis_of(f"{row['field']}={row['values']}") for row in _rows()]
    if not axes:
        told = FieldError(field="vary", message=_("say which values it shall take, as in 1, 2, 3"))
        raise ProblemError("invalid_request", told.message, errors=(told,))
    return [{"field": axis.field, "values": list(axis.values)} for axis in axes]


def _existing(sweep_id: str) -> Sweep:
    sweep = services().sweeps.get(sweep_id)
    if sweep is None:
        raise ProblemError("not_found", f"there is no sweep {sweep_id}")
    return sweep
