"""/settings/uploads: the pictures and clips that were brought here, with what can be made from each, and removal."""

from typing import Any

from flask import Blueprint, Response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from vidgen.errors import VidgenError
from vidgen_web import intake
from vidgen_web.access import needs
from vidgen_web.portal.languages import gettext as _
from vidgen_web.portal.messages import said
from vidgen_web.portal.words import PREFIX
from vidgen_web.problems import STATUS_BY_CODE, ProblemError, problem_of
from vidgen_web.services import services

PAGE = 24
SCOPE = "uploads"


def register(blueprint: Blueprint) -> None:
    blueprint.get("/uploads", endpoint="uploads")(show)
    blueprint.post("/uploads", endpoint="bring_upload")(bring)
    blueprint.post("/uploads/<upload_id>/delete", endpoint="delete_upload")(delete)


@needs(SCOPE)
def show() -> str:
    return _page()


@needs(SCOPE)
def bring() -> AnyResponse:
    """Keep the form's file."""
    file = request.files.get("file")
    try:
        if file is None or not file.filename:
            raise ProblemError("invalid_request", _("choose a file first"))
        intake.take(services(), file)
    except VidgenError as error:
        problem = problem_of(error)
        return Response(_page(error=said(problem.message)), STATUS_BY_CODE[problem.code])
    return redirect(url_for("settings.uploads"), 303)


@needs(SCOPE)
def delete(upload_id: str) -> AnyResponse:
    """Remove it, unless a job waits for it; what is gone already is fine."""
    uploads = services().uploads
    if uploads.delete_unawaited(upload_id) or uploads.get(upload_id) is None:
        return redirect(url_for("settings.uploads"), 303)
    awaited = "a job that has not ended is made from it; cancel the job, or wait for its end"
    return Response(_page(awaited=upload_id, told=said(PREFIX.sub("", awaited))), STATUS_BY_CODE["upload_awaited"])


def _page(**more: Any) -> str:
    page = services().uploads.list(PAGE, request.args.get("cursor"))
    return render_template("settings/uploads.html", page=page, **{"error": "", "awaited": "", "told": "", **more})
