"""/settings/keys: make an API key, see which are in use, revoke one."""

from typing import Any

from flask import Blueprint, Response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from vidgen.errors import VidgenError
from vidgen.jobs.tenants.keys import ADMIN, SCOPES
from vidgen_web.access import needs
from vidgen_web.api.api_keys import KeyCreate
from vidgen_web.portal.languages import mark
from vidgen_web.portal.messages import said
from vidgen_web.problems import STATUS_BY_CODE, problem_of
from vidgen_web.requests import checked, plain_form
from vidgen_web.services import services

PAGE = 50
MEANINGS = {
    "jobs:read": mark("see clips, events, forecasts and files"),
    "jobs:write": mark("queue, cancel, retry and delete clips"),
    "uploads": mark("send pictures and clips, and see them"),
    "webhooks": mark("manage receivers and deliveries"),
    ADMIN: mark("everything, and manage the API keys"),
}
USUAL = ("jobs:read", "jobs:write", "uploads")


def register(blueprint: Blueprint) -> None:
    blueprint.get("/keys", endpoint="keys")(show)
    blueprint.post("/keys", endpoint="create_key")(create)
    blueprint.post("/keys/<key_id>/revoke", endpoint="revoke_key")(revoke)


@needs(ADMIN)
def show() -> str:
    return _page()


@needs(ADMIN)
def create() -> Response:
    """Make a key; the page that answers shows it, this once."""
    form = plain_form()
    told = {name: form[name] for name in ("name", "expires_in_days") if form.get(name)}
    try:
        asked = checked(KeyCreate, {**told, "scopes": tuple(request.form.getlist("scopes"))})
        made = services().keys.create(asked.name, asked.scopes, expires_in_days=asked.expires_in_days)
    except VidgenError as error:
        problem = problem_of(error)
        errors = {e.field.partition(".")[0]: said(e.message) for e in problem.errors} or {
            "scopes": said(problem.message)
        }
        return Response(_page(errors=errors, form=form), STATUS_BY_CODE[problem.code])
    response = Response(_page(made=made), 201)
    response.headers["Cache-Control"] = "no-store"
    return response


@needs(ADMIN)
def revoke(key_id: str) -> AnyResponse:
    services().keys.revoke(key_id)
    return redirect(url_for("settings.keys"), 303)


def _page(**more: Any) -> str:
    page = services().keys.list(limit=PAGE, cursor=request.args.get("cursor"))
    chosen = request.form.getlist("scopes") or USUAL
    told = {"made": None, "errors": {}, "form": {}, **more}
    return render_template("settings/keys.html", page=page, scopes=SCOPES, meanings=MEANINGS, chosen=chosen, **told)
