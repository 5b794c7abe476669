"""Who may talk to the service, and what browsers may do with its answers.

In single-user mode there is no login: the machine's own user is the one who may. So three rules keep everybody else
out. The service listens on a loopback address only; the Host header must name it (a page that rebinds its DNS name to
127.0.0.1 does not); and no other site may send requests from a browser.
"""

import ipaddress
from urllib.parse import urlsplit

from flask import Flask, Response, request

from vidgen.errors import VidgenError
from vidgen.jobs.settings import Settings
from vidgen_web.caller import LOCAL_USER, set_caller
from vidgen_web.problems import ProblemError

ARTIFACT_ENDPOINT = "api.artifacts.show"
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
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
}


class ExposedWithoutLogin(VidgenError):
    """The settings would let strangers in."""

    code = "exposed_without_login"


def refuse_exposure(host: str) -> None:
    """Raise ExposedWithoutLogin unless `host` is a loopback address: there is no login yet."""
    if not is_loopback(host):
        raise ExposedWithoutLogin(
            f"host={host}: vidgen has no login yet, so it listens on this machine only; "
            "use 127.0.0.1 and reach it through an SSH tunnel or a proxy that asks for a password"
        )


def is_loopback(host: str) -> bool:
    """Whether `host` is `localhost` or an address of the loopback interface."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def protect(app: Flask, settings: Settings) -> None:
    """Check Host and Origin before every request, and add security headers to every answer."""
    names = _own_names(settings)

    @app.before_request
    def check_request() -> None:
        if _host_name(request.host) not in names:
            raise ProblemError("wrong_host", f"this service does not answer for the host {request.host!r}")
        if _is_foreign(settings) and not _may_be_foreign():
            raise ProblemError("cross_origin", "requests from pages of other sites are refused")
        set_caller(LOCAL_USER)

    @app.after_request
    def add_headers(response: Response) -> Response:
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        response.headers.setdefault("Content-Security-Policy", PAGE_POLICY)
        return response


def _own_names(settings: Settings) -> frozenset[str]:
    public = urlsplit(settings.public_url).hostname if settings.public_url else None
    return LOOPBACK_NAMES | {settings.host.strip("[]")} | ({public} if public else set())


def _host_name(host: str) -> str:
    return urlsplit(f"//{host}").hostname or ""


def _is_foreign(settings: Settings) -> bool:
    origin = request.headers.get("Origin")
    if origin is not None:
        return origin not in (request.host_url.rstrip("/"), (settings.public_url or "").rstrip("/"))
    # browsers leave Origin out of plain GETs, but say here where the request comes from; other programs say nothing
    return request.headers.get("Sec-Fetch-Site") == "cross-site"


def _may_be_foreign() -> bool:
    if request.method not in SAFE_METHODS:
        return False
    if request.endpoint == ARTIFACT_ENDPOINT and "signature" in request.args:  # the route checks it
        return True
    return request.headers.get("Origin") is None and request.headers.get("Sec-Fetch-Mode") == "navigate"
