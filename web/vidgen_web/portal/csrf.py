"""Proof that a form was sent from a page of this portal: a random cookie and its signature as a form field.

Another site can neither read the cookie nor sign one of its own. (The Origin header is checked beside this.)
"""

import hashlib
import hmac
import secrets

from flask import Flask, Response, g, request

from vidgen_web.problems import ProblemError
from vidgen_web.services import services

COOKIE = "vidgen_form"
FIELD = "csrf_token"
HEADER = "X-CSRF-Token"


def register(app: Flask) -> None:
    """Give templates `csrf_token()` and set the cookie on the pages that used it."""

    @app.context_processor
    def offer() -> dict[str, object]:
        return {"csrf_token": token}

    @app.after_request
    def keep(response: Response) -> Response:
        fresh = g.pop(COOKIE, None)
        if fresh is not None:
            response.set_cookie(COOKIE, fresh, httponly=True, samesite="Strict", secure=request.is_secure, path="/")
        return response


def token() -> str:
    """The form field's value for this browser."""
    known = request.cookies.get(COOKIE) or g.get(COOKIE)
    if known is None:
        known = secrets.token_urlsafe(24)
        g.setdefault(COOKIE, known)
    return _sign(known)


def check() -> None:
    """Raise ProblemError csrf unless the form carries this browser's token."""
    _compare(request.form.get(FIELD, ""))


def check_form() -> None:
    """`check` for whole blueprints: reading a page takes no token."""
    if request.method not in ("GET", "HEAD", "OPTIONS"):
        check()


def check_call() -> None:
    """The same for what the portal's scripts send: the token is a header, and needed only by what changes something."""
    if request.method not in ("GET", "HEAD", "OPTIONS"):
        _compare(request.headers.get(HEADER, ""))


def _compare(given: str) -> None:
    cookie = request.cookies.get(COOKIE, "")
    if not cookie or not hmac.compare_digest(given.encode(), _sign(cookie).encode()):
        raise ProblemError("csrf", "this form is not from a current page of this portal; reload the page and try again")


def _sign(value: str) -> str:
    key = services().settings.secret_key.encode()
    return hmac.new(key, b"portal-form:" + value.encode(), hashlib.sha256).hexdigest()
