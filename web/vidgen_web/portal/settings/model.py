"""/settings/model: the model that the composer begins with, kept in a cookie of this browser."""

from flask import Blueprint, has_request_context, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from vidgen_web.access import ANY_KEY, needs
from vidgen_web.services import services

COOKIE = "vidgen_model"
COOKIE_SECONDS = 400 * 86400


def register(blueprint: Blueprint) -> None:
    blueprint.get("/model", endpoint="model")(show)
    blueprint.post("/model", endpoint="choose_model")(choose)


def chosen_model() -> str:
    """The id that was chosen here; "" where none was, and it may be installed no longer."""
    return request.cookies.get(COOKIE, "") if has_request_context() else ""


@needs(ANY_KEY)
def show() -> str:
    return render_template("settings/model.html", manifests=services().models.manifests, chosen=chosen_model())


@needs(ANY_KEY)
def choose() -> Response:
    response = redirect(url_for("settings.model"), 303)
    asked = request.form.get("model", "")
    if asked in services().models.manifests:
        response.set_cookie(COOKIE, asked, max_age=COOKIE_SECONDS, samesite="Lax", secure=request.is_secure, path="/")
    return response
