"""Who may talk to the service, and what browsers may do with its answers.

In single-user mode the machine's own user needs no key. So three rules keep everybody else out. The service listens on
a loopback address only; the Host header must name it (a page that rebinds its DNS name to 127.0.0.1 does not); and no
other site may send requests from a browser. Where every caller needs a key, any name and any address will do.
"""

from urllib.parse import urlsplit

from flask import Flask, Response, request

from vidgen.jobs.settings import Settings
from vidgen_web.access import checks_signatures
from vidgen_web.identity import LOOPBACK_NAMES, host_name
from vidgen_web.problems import ProblemError

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; media-src 'self' blob:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
MEDIA_POLICY = "sandbox; default-src 'none'; media-src 'self'; img-src 'self'; style-src 'unsafe-inline'"

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    "Content-Security-Policy": PAGE_POLICY,
}
POLICIES = tuple((name.lower(), name, value) for name, value in HEADERS.items())


def protect(app: Flask, settings: Settings) -> None:
    """Check Host and Origin before every request, and add security headers to every answer."""
    names = _own_names(settings)

    @app.before_request
    def check_request() -> None:
        if "\0" in request.path:
            raise ProblemError("not_found", "there is nothing at this address")  # no name of ours holds a NUL
        # keys and cookies are bound to no name, so that a rebound one gains nothing where they are asked for
        if settings.auth == "local" and host_name(request.host) not in names:
            raise ProblemError("wrong_host", f"this service does not answer for the host {request.host!r}")
        if _is_foreign(settings) and not _may_be_foreign(app):
            raise ProblemError("cross_origin", "requests from pages of other sites are refused")

    @app.after_request
    def add_headers(response: Response) -> Response:
        given = {name.lower() for name, _ in response.headers}  # asking the headers for each takes far longer
        response.headers.extend([(name, value) for key, name, value in POLICIES if key not in given])
        return response


def _own_names(settings: Settings) -> frozenset[str]:
    public = urlsplit(settings.public_url).hostname if settings.public_url else None
    return LOOPBACK_NAMES | {settings.host.strip("[]")} | ({public} if public else set())


def _is_foreign(settings: Settings) -> bool:
    origin = request.headers.get("Origin")
    if origin is not None:
        return origin not in (request.host_url.rstrip("/"), (settings.public_url or "").rstrip("/"))
    # browsers leave Origin out of plain GETs, but say here where the request comes from; other programs say nothing
    return request.headers.get("Sec-Fetch-Site") == "cross-site"


def _may_be_foreign(app: Flask) -> bool:
    if request.method not in SAFE_METHODS:
        return False
    if "signature" in request.args and checks_signatures(app.view_functions.get(request.endpoint or "")):
        return True
    return request.headers.get("Origin") is None and request.headers.get("Sec-Fetch-Mode") == "navigate"
