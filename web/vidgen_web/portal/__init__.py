"""The creator's portal: pages made on the server, every action a form. Works without JavaScript; better with it."""

from flask import Flask, Response, render_template, request

from vidgen_web.portal import actions, csrf, docs, pages, words
from vidgen_web.problems import STATUS_BY_CODE, TITLES, ProblemError

OWN_ERRORS = ("/api/", "/v1/", "/static/", "/healthz", "/readyz")


def register(app: Flask) -> None:
    """Add the portal's routes and the words its templates use."""
    for module in (pages, actions, docs):
        app.register_blueprint(module.blueprint)
    app.jinja_env.filters.update(words.FILTERS)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    csrf.register(app)


def page_for(problem: ProblemError) -> tuple[str, int, dict[str, str]] | Response | None:
    """The problem as a page, when a person with a browser asked for a page; else None."""
    if request.path.startswith(OWN_ERRORS) or "text/html" not in request.headers.get("Accept", ""):
        return None
    status = STATUS_BY_CODE[problem.code]
    page = render_template("problem.html", title=TITLES[status], problem=problem, status=status)
    return page, status, problem.headers


__all__ = ["page_for", "register"]
