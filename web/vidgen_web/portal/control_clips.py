"""A control that takes a network to be drawn, drawn by a job: a clip to be looked at and then followed."""

from dataclasses import replace

from flask import Blueprint, Response, request

from vidgen.errors import VidgenError
from vidgen_web import submission
from vidgen_web.access import needs
from vidgen_web.portal import csrf
from vidgen_web.portal.actions import sent, with_uploads
from vidgen_web.portal.composer import drafts
from vidgen_web.portal.composer.drafts import Draft
from vidgen_web.portal.composer.slots import EMPTY
from vidgen_web.portal.languages import gettext as _
from vidgen_web.portal.messages import said
from vidgen_web.portal.pages import render_home
from vidgen_web.portal.words import PREFIX
from vidgen_web.problems import STATUS_BY_CODE, ProblemError, problem_of
from vidgen_web.services import services

blueprint = Blueprint("control_clips", __name__)


@blueprint.before_request
def check_form() -> None:
    csrf.check()


@blueprint.post("/composer/draw")
@needs("jobs:write")
def draw() -> Response:
    """Queue the drawing of the control in the row that the form names; the composer stays as it is."""
    row = f"controls.{request.form.get('draw', '')}"
    draft, found = sent(), services()
    draft = drafts.editing(draft, found.jobs.get(request.form["editing"]) if request.form.get("editing") else None)
    try:
        draft = with_uploads(draft, [])
        job = submission.submit(found, submission.Request(fields=_fields(draft, row))).job
    except VidgenError as error:
        problem = problem_of(error)
        told = "; ".join(said(PREFIX.sub("", it.message)) for it in problem.errors) or said(problem.message)
        wrong = replace(draft, errors={f"{row}.video": told})
        return Response(render_home(found, wrong, {}), STATUS_BY_CODE[problem.code])
    return Response(render_home(found, draft, {"job": job.id}))


def _fields(draft: Draft, row: str) -> dict[str, object]:
    """The clip in the row's slot through one step, in the size of the clip that would follow it."""
    slot = draft.slots.get(f"{row}.video", EMPTY)
    if not slot.is_filled:
        raise ProblemError("invalid_request", _("choose a clip first"))
    step = {"step": "draw-control", "kind": draft[f"{row}.kind"], "smoothing": draft[f"{row}.smoothing"] or "0"}
    step |= {side: draft[side] for side in ("width", "height") if draft[side]}
    return {"task": "process-video", "video": slot.reference(), "post": [step]}
