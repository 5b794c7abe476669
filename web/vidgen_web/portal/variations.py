"""New clips from a finished one, as form posts: longer at either end, with one chunk made again, or finished."""

from typing import Any

from flask import Blueprint, redirect, request, url_for
from werkzeug.wrappers import Response

from vidgen_web import submission, variations
from vidgen_web.access import needs
from vidgen_web.portal import csrf
from vidgen_web.portal.artifacts import artifact_of
from vidgen_web.portal.composer import finishing
from vidgen_web.problems import ProblemError
from vidgen_web.requests import checked, form_number, plain_form
from vidgen_web.services import services

blueprint = Blueprint("variations", __name__, url_prefix="/jobs")


@blueprint.before_request
def check_form() -> None:
    csrf.check()


@blueprint.post("/<job_id>/extend")
@needs("jobs:write")
def extend(job_id: str) -> Response:
    """Go on after the clip's end, or make what comes before it; `number` is the frame to go on from, counted from 1."""
    told = _told("direction", "seconds", "prompt", "seed")
    number = form_number("number")
    if number is not None:
        told["from_frame"] = max(number, 1) - 1
    return _queued(job_id, variations.extended(services(), job_id, checked(variations.Extension, told)))


@blueprint.post("/<job_id>/retake")
@needs("jobs:write")
def retake(job_id: str) -> Response:
    asked = checked(variations.Retake, _told("chunk", "seed", "prompt", "then"))
    return _queued(job_id, variations.retaken(services(), job_id, asked))


@blueprint.post("/<job_id>/process")
@needs("jobs:write")
def process(job_id: str) -> Response:
    """The clip through steps, or into another file; the form's fields are those of the composer."""
    job = services().jobs.get(job_id)
    clip = artifact_of(job, "video") if job else None
    if clip is None:
        raise ProblemError("not_found", f"{job_id} has no clip")
    fields = {"task": "process-video", "video": {"artifact_id": clip.id}, **finishing.spec_fields(plain_form())}
    return _queued(job_id, fields)


def _told(*names: str) -> dict[str, Any]:
    form = plain_form()
    return {name: form[name].strip() for name in names if form.get(name, "").strip()}


def _queued(job_id: str, fields: dict[str, Any]) -> Response:
    job = submission.submit(services(), submission.Request(fields=fields, source_job_id=job_id)).job
    if request.form.get("from") == "studio":
        return redirect(url_for("portal.home", job=job.id), 303)
    return redirect(url_for("portal.job_page", job_id=job.id), 303)
