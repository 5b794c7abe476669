"""The portal's buttons as form posts, each answered with a redirect to a page that shows what became of it."""

from flask import Blueprint, Response, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from vidgen.errors import VidgenError
from vidgen_web import submission
from vidgen_web.access import needs
from vidgen_web.api.jobs import form_fields
from vidgen_web.portal import csrf, drafts
from vidgen_web.portal.pages import default_draft, render_home
from vidgen_web.problems import STATUS_BY_CODE, problem_of
from vidgen_web.services import services

blueprint = Blueprint("actions", __name__)


@blueprint.before_request
def check_form() -> None:
    csrf.check()


@blueprint.post("/jobs")
@needs("jobs:write")
def create() -> AnyResponse:
    """Queue what the composer holds; when it is refused, the same page with what is wrong beside each field."""
    form = {name: value for name, value in request.form.items() if name != csrf.FIELD}
    wanted = drafts.MEDIA_BY_TASK.get(form.get("task", ""))
    files = {name: file for name, file in request.files.items() if file.filename and name == wanted}
    try:
        fields = form_fields(drafts.spec_fields(form))
        for name in files:  # a new file replaces what lay in the slot
            fields.pop(name, None)
        created = submission.submit(services(), submission.Request(fields=fields, files=files))
    except VidgenError as error:
        problem = problem_of(error)
        draft = drafts.from_form(default_draft(services(), form.get("model")), form, problem)
        return Response(render_home(services(), draft, {}), STATUS_BY_CODE[problem.code])
    return redirect(url_for("portal.job_page", job_id=created.job.id), 303)


@blueprint.post("/jobs/<job_id>/cancel")
@needs("jobs:write")
def cancel(job_id: str) -> AnyResponse:
    services().jobs.cancel(job_id)
    return _back(job_id)


@blueprint.post("/jobs/<job_id>/retry")
@needs("jobs:write")
def retry(job_id: str) -> AnyResponse:
    submission.again(services(), job_id)
    return redirect(url_for("portal.job_page", job_id=job_id), 303)


@blueprint.post("/jobs/<job_id>/delete")
@needs("jobs:write")
def delete(job_id: str) -> AnyResponse:
    services().jobs.delete(job_id)
    return redirect(url_for("portal.home"), 303)


def _back(job_id: str) -> AnyResponse:
    # a form names where it stands with a word of ours, never with an address
    if request.form.get("from") == "home":
        return redirect(url_for("portal.home"), 303)
    return redirect(url_for("portal.job_page", job_id=job_id), 303)
