"""Presets as form posts: keep the composer's settings under a name, begin with them again, or forget them."""

from dataclasses import replace

from flask import Blueprint, request
from werkzeug.wrappers import Response

from vidgen.errors import VidgenError
from vidgen_web.access import needs
from vidgen_web.portal import csrf
from vidgen_web.portal.actions import refused, sent, with_uploads
from vidgen_web.portal.composer import drafts
from vidgen_web.portal.composer.another_model import is_taken
from vidgen_web.portal.composer.drafts import Draft
from vidgen_web.portal.pages import render_home
from vidgen_web.problems import FieldError, ProblemError
from vidgen_web.services import services

blueprint = Blueprint("presets", __name__, url_prefix="/presets")


@blueprint.before_request
def check_form() -> None:
    csrf.check()


@blueprint.post("")
@needs("jobs:write")
def save() -> Response:
    """Keep what the composer holds, but for its words, its seed and its media."""
    draft = _kept()
    name = request.form.get("preset_name", "")
    try:
        services().presets.save(name, drafts.settings_of(draft))
    except VidgenError as error:
        told = FieldError(field="preset", message=error.message)
        return refused(draft, ProblemError("invalid_request", error.message, errors=(told,)))
    return Response(render_home(services(), draft, {}))


@blueprint.post("/apply")
@needs("jobs:write")
def use() -> Response:
    """The composer with a preset's settings; words, seed and media stay."""
    draft = _kept()
    found = services().presets.get(request.form.get("preset", ""))
    rules = services().models.manifests[draft.model].rules
    # it may have been made with another model
    taken = {name: text for name, text in found.values.items() if is_taken(name, rules)} if found else {}
    return Response(render_home(services(), drafts.with_settings(draft, taken) if found else draft, {}))


@blueprint.post("/forget")
@needs("jobs:write")
def forget() -> Response:
    services().presets.delete(request.form.get("preset", ""))
    return Response(render_home(services(), _kept(), {}))


def _kept() -> Draft:
    """The composer as it was sent, whatever slots were just filled."""
    draft = sent()
    draft = drafts.editing(draft, services().jobs.get(request.form["editing"]) if request.form.get("editing") else None)
    return replace(with_uploads(draft, []), opened=draft.opened | {"presets"})
