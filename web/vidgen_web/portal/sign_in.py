"""Signing in to the portal with an API key, and out again."""

from flask import Blueprint, Response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from vidgen.jobs.tenants.keys import KeyRefused
from vidgen_web import sessions
from vidgen_web.access import PUBLIC, needs
from vidgen_web.portal import csrf
from vidgen_web.services import services

blueprint = Blueprint("sign_in", __name__)


@blueprint.get("/sign-in")
@needs(PUBLIC)
def show() -> str:
    return render_template("sign_in.html", next=_own_path(request.args.get("next", "")), wrong=None)


@blueprint.post("/sign-in")
@needs(PUBLIC)
def enter() -> AnyResponse:
    """Begin a session with the key that the form holds; a wrong one gets the form again."""
    csrf.check()
    found, target = services(), _own_path(request.form.get("next", ""))
    try:
        key = found.keys.recognise(request.form.get("key", "").strip())
    except KeyRefused as error:
        return Response(render_template("sign_in.html", next=target, wrong=error.message), 401)
    response = redirect(target, 303)
    response.set_cookie(
        sessions.COOKIE,
        sessions.make(found.settings.secret_key, key.id),
        max_age=sessions.LIFETIME_SECONDS,
        httponly=True,
        # Lax, so that somebody who follows a link to a clip is not asked to sign in again
        samesite="Lax",
        secure=request.is_secure or found.settings.base_url.startswith("https:"),
        path="/",
    )
    return response


@blueprint.post("/sign-out")
@needs(PUBLIC)
def leave() -> AnyResponse:
    csrf.check()
    found = services()
    session = sessions.read(found.settings.secret_key, request.cookies.get(sessions.COOKIE, ""))
    if session is not None:
        found.keys.end_session(session.id, float(session.expires_at))
    response = redirect(url_for("sign_in.show"), 303)
    response.delete_cookie(sessions.COOKIE, path="/")
    return response


def _own_path(asked: str) -> str:
    """`asked` when it is a path of this portal: `//host` and `/\\host` lead browsers to other sites."""
    is_own = asked.startswith("/") and asked[1:2] not in ("/", "\\") and asked.isprintable() and "\\" not in asked
    return asked if is_own else url_for("portal.home")
