"""The creator's portal: pages made on the server, every action a form. Works without JavaScript; better with it."""

from flask import Flask, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as Answer

from vidgen_web import api
from vidgen_web.caller import PORTAL_API, caller
from vidgen_web.portal import (
    actions,
    control_clips,
    csrf,
    docs,
    gallery,
    grids,
    languages,
    pages,
    presets,
    queue_forms,
    settings,
    sign_in,
    variations,
    words,
)
from vidgen_web.portal.composer import drawn
from vidgen_web.portal.notices import ill_webhooks
from vidgen_web.problems import STATUS_BY_CODE, TITLES, ProblemError
from vidgen_web.services import services

OWN_ERRORS = ("/api/", "/v1/", f"{PORTAL_API}/", "/static/", "/healthz", "/readyz", "/metrics")


def register(app: Flask) -> None:
    """Add the portal's routes and the words its templates use."""
    for module in (
        pages,
        actions,
        control_clips,
        variations,
        queue_forms,
        gallery,
        grids,
        presets,
        settings,
        docs,
        sign_in,
        languages,
        drawn,
    ):
        app.register_blueprint(module.blueprint)
    twin = api.blueprint("portal_api", PORTAL_API)
    twin.before_request(csrf.check_call)
    app.register_blueprint(twin)
    app.context_processor(lambda: {"caller": caller(), "api": caller().api})
    app.jinja_env.filters.update(words.FILTERS)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    csrf.register(app)
    languages.register(app)

    @app.context_processor
    def offer() -> dict[str, object]:
        return {"ill_webhooks": lambda: ill_webhooks(services(), caller())}


def page_for(problem: ProblemError) -> tuple[str, int, dict[str, str]] | Answer | None:
    """The problem as a page, when a person with a browser asked for a page; else None."""
    if request.path.startswith(OWN_ERRORS) or "text/html" not in request.headers.get("Accept", ""):
        return None
    if problem.code == "unauthorized" and request.method == "GET":
        return redirect(url_for("sign_in.show", next=request.full_path.rstrip("?")), 303)
    status = STATUS_BY_CODE[problem.code]
    page = render_template("problem.html", title=TITLES[status], problem=problem, status=status)
    return page, status, problem.headers


__all__ = ["page_for", "register"]
