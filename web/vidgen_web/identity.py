"""Recognises the caller: an API key on the API, a signed cookie in the portal, this machine's user at home.

At home means: the service runs in single-user mode, the request comes from this machine, names it in Host, and was not
handed on by a proxy. Anybody else needs a key, also where a proxy on this machine opens the port to the world.
"""

from dataclasses import replace
from functools import lru_cache
from urllib.parse import urlsplit

from flask import Flask, request

from vidgen.jobs.exposure import is_loopback
from vidgen.jobs.settings import Settings
from vidgen.jobs.tenants.keys import PREFIX, KeyRefused, KeyRepository
from vidgen.jobs.views import ApiKey
from vidgen.telemetry import context
from vidgen_web import access, sessions
from vidgen_web.caller import LOCAL_USER, STRANGER, Caller, set_caller
from vidgen_web.problems import ProblemError

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
# as WSGI spells Forwarded, X-Forwarded-For, X-Forwarded-Host, X-Real-IP and Via
HANDED_ON = frozenset({"HTTP_FORWARDED", "HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_HOST", "HTTP_X_REAL_IP", "HTTP_VIA"})
# blueprints whose routes know the cookie; all others know keys only
PORTAL = frozenset(
    {
        "portal",
        "actions",
        "queue_forms",
        "variations",
        "gallery",
        "settings",
        "languages",
        "docs",
        "sign_in",
        "portal_api",
    }
)
STATIC = "static"


def recognise(app: Flask, settings: Settings, keys: KeyRepository) -> None:
    """Before every request find out who calls, and whether they may."""

    @app.before_request
    def identify() -> None:
        if request.endpoint is None or request.endpoint == STATIC:
            return  # there is no such route, which is no secret; and style sheets are none either
        caller = _portal_caller(settings, keys) if in_portal() else _api_caller(settings, keys)
        set_caller(caller)
        if caller.is_known:
            context.add(tenant=caller.tenant)  # log lines from here on say whose request it is
        access.check(app.view_functions[request.endpoint], caller, has_signature="signature" in request.args)


def in_portal() -> bool:
    """Whether the route belongs to the portal, which knows the session's cookie."""
    return request.endpoint == STATIC or (request.blueprint or "").partition(".")[0] in PORTAL


def is_from_here() -> bool:
    """Whether the request comes from this machine itself and not through a proxy on it."""
    return is_loopback(request.remote_addr or "") and HANDED_ON.isdisjoint(request.environ)


@lru_cache(maxsize=256)
def host_name(host: str) -> str:
    """The name in a Host header, without its port."""
    return urlsplit(f"//{host}").hostname or ""


def _api_caller(settings: Settings, keys: KeyRepository) -> Caller:
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not text.strip().startswith(PREFIX):
        # SDKs that insist on some key are sent any word at home
        return LOCAL_USER if _is_at_home(settings) else STRANGER
    try:
        return _of(keys.recognise(text.strip()))
    except KeyRefused as error:
        raise ProblemError("unauthorized", error.message, headers=access.CHALLENGE) from error


def _portal_caller(settings: Settings, keys: KeyRepository) -> Caller:
    session = sessions.read(settings.secret_key, request.cookies.get(sessions.COOKIE, ""))
    if session is not None:
        try:
            key = keys.recognise_session(session.key_id, session.id)
        except KeyRefused:
            pass  # the session ends with its key
        else:
            return replace(_of(key), in_portal=True, session_id=session.id)
    return LOCAL_USER if _is_at_home(settings) else STRANGER


def _of(key: ApiKey) -> Caller:
    return Caller(key.tenant, frozenset(key.scopes), key.id, key.name)


def _is_at_home(settings: Settings) -> bool:
    return settings.auth == "local" and host_name(request.host) in LOOPBACK_NAMES and is_from_here()
