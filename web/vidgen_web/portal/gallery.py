"""The gallery of finished clips: which ones are looked at, and the buttons that keep them in order."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, redirect, request, url_for
from werkzeug.wrappers import Response

from vidgen.jobs.gallery import GalleryPage, Wanted
from vidgen_web.access import needs
from vidgen_web.portal import csrf, words
from vidgen_web.portal.artifacts import artifact_of
from vidgen_web.services import Services, services

blueprint = Blueprint("gallery", __name__, url_prefix="/gallery")

PAGE = 24


@blueprint.before_request
def check_form() -> None:
    csrf.check()


@blueprint.post("/<job_id>/star")
@needs("jobs:write")
def star(job_id: str) -> Response:
    """Star a clip, or take the star away."""
    services().gallery.star(job_id, request.form.get("starred") == "1")
    return _back(job_id)


@blueprint.post("/<job_id>/project")
@needs("jobs:write")
def file(job_id: str) -> Response:
    """Put a clip into a project, or out of all."""
    services().gallery.file(job_id, request.form.get("project", ""))
    return _back(job_id)


def gallery_parts(found: Services, query: Mapping[str, str]) -> dict[str, Any]:
    """What templates need of the gallery. Query: `q`, `starred`, `project`, `kind`, `cursor`."""
    wanted = _wanted(query)
    page = found.gallery.page(wanted, PAGE, query.get("cursor"))
    return {
        "gallery": page,
        "wanted": wanted,
        "wanted_query": _query_of(wanted),
        "is_filtered": wanted != Wanted(),
        "posters": {job.id: artifact_of(job, "poster") for job in page.items},
        "clips": {job.id: artifact_of(job, "video") for job in page.items},
        "projects": found.gallery.projects(),
        "kinds": words.TASKS,
    }


def marks_of(found: Services, job_id: str | None, page: GalleryPage) -> dict[str, Any]:
    """The mark of the clip in the viewer."""
    if job_id is None:
        return {"mark": None}
    return {"mark": page.marks.get(job_id) or found.gallery.mark(job_id)}


def _wanted(query: Mapping[str, str]) -> Wanted:
    kind = query.get("kind", "")
    return Wanted(
        text=query.get("q", "").strip()[:200],
        starred=query.get("starred") == "1",
        project=query.get("project", ""),
        task=kind if kind in words.TASKS else "",
    )


def _query_of(wanted: Wanted) -> str:
    """The wish as a query string; "" for everything."""
    names = {"text": "q", "task": "kind"}
    told = {names.get(name, name): "1" if value is True else value for name, value in asdict(wanted).items() if value}
    return urlencode(told)


def _back(job_id: str) -> Response:
    if request.form.get("from") == "home":
        return redirect(url_for("portal.home", _anchor="gallery"), 303)
    return redirect(url_for("portal.home", job=job_id), 303)
