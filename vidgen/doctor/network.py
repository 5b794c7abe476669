"""What others must reach, and what the service must reach: port, public address, broker, webhook receivers."""

import ipaddress
import json
import socket
import urllib.request
from collections.abc import Iterator
from urllib.parse import urlsplit

from vidgen.doctor.finding import Finding, ok, problem, warning
from vidgen.jobs.exposure import is_loopback
from vidgen.jobs.line.pokes import celery_app, is_embedded
from vidgen.jobs.settings import Settings
from vidgen.telemetry.logs import masked

CONNECT_SECONDS = 3.0
DRIVERS = {"redis": "redis", "rediss": "redis", "redis+socket": "redis", "amqp": "amqp", "amqps": "amqp"}


def check_port(settings: Settings) -> Iterator[Finding]:
    place = f"{settings.host}:{settings.port}"
    try:
        family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
        with socket.create_server((settings.host, settings.port), family=family):
            pass
    except OSError as error:
        if _is_vidgen(settings):
            yield ok("port", f"{place}: a vidgen answers there")
        else:
            yield problem("port", f"{place} cannot be used ({error.strerror})", "set VIDGEN_PORT to a free port")
        return
    yield ok("port", f"{place} is free")


def check_access(settings: Settings) -> Iterator[Finding]:
    """Whether strangers stay out, and whether anybody can come in."""
    if settings.auth == "keys":
        yield ok("access", "by API key")
    elif is_loopback(settings.host):
        yield ok("access", "single-user mode: this machine, without a key")
    else:
        told = f"VIDGEN_HOST={settings.host} can be reached by other machines, and VIDGEN_AUTH=local asks for no key"
        yield problem(
            "access", told, "set VIDGEN_AUTH=keys, or VIDGEN_HOST=127.0.0.1; the web process refuses to start"
        )


def check_public_url(settings: Settings) -> Iterator[Finding]:
    url = settings.public_url
    if url is None and _is_wildcard(settings.host):
        told = f"links begin with {settings.base_url}, which nobody can open"
        yield warning("public URL", told, "set VIDGEN_PUBLIC_URL to the address by which the service is reached")
        return
    if url is None:
        yield ok("public URL", f"{settings.base_url} (links work on this machine only)")
        return
    wrong = _fault(url)
    if wrong:
        yield problem("public URL", wrong, "set VIDGEN_PUBLIC_URL to something like https://video.example.org")
    elif url.startswith("http://") and not is_loopback(urlsplit(url).hostname or ""):
        yield warning("public URL", "without TLS everybody on the way can read the links", "serve it as https://")
    else:
        yield ok("public URL", url)


def check_broker(settings: Settings) -> Iterator[Finding]:
    """Only a warning when it is away, because workers poll the database then."""
    if is_embedded(settings):
        yield ok("broker", "embedded in the worker")
        return
    scheme = urlsplit(settings.broker_url).scheme
    if scheme not in DRIVERS:
        known = "memory://, redis://…, rediss://…, redis+socket://… and amqp://…"
        yield problem("broker", f"VIDGEN_BROKER_URL: {scheme}:// is not known", f"use one of {known}")
        return
    try:
        with celery_app(settings) as app, app.connection_for_write(connect_timeout=CONNECT_SECONDS) as connection:
            connection.ensure_connection(max_retries=1, timeout=CONNECT_SECONDS, reraise_as_library_errors=False)
    except ImportError:
        yield problem("broker", f"the client for {scheme}:// is missing", f"pip install 'vidgen[{DRIVERS[scheme]}]'")
    except Exception as error:  # every transport has errors of its own kind
        told = masked(str(error).partition("\n")[0])
        remedy = "start it or correct VIDGEN_BROKER_URL; until then workers find jobs by polling"
        yield warning("broker", f"does not answer: {told}", remedy)
    else:
        yield ok("broker", f"{scheme}:// answers")


def check_webhooks(settings: Settings) -> Iterator[Finding]:
    """The rules by which receivers may be reached."""
    open_doors = [entry for entry in settings.webhook_allow_private if entry in ("0.0.0.0/0", "::/0")]
    unresolved = [entry for entry in settings.webhook_allow_private if not _is_network(entry) and not _resolves(entry)]
    if open_doors:
        told = f"{open_doors[0]} opens every private address, the cloud's metadata service among them"
        yield problem("webhooks", told, "name the receivers' networks or hosts in VIDGEN_WEBHOOK_ALLOW_PRIVATE")
    elif unresolved:
        told = f"VIDGEN_WEBHOOK_ALLOW_PRIVATE: {unresolved[0]} is no network and does not resolve"
        yield warning("webhooks", told, "give a CIDR such as 10.1.2.0/24, or a host name that this machine knows")
    else:
        allowed = ", ".join(settings.webhook_allow_private) or "none"
        yield ok("webhooks", f"public receivers; private ones: {allowed}")


def _is_vidgen(settings: Settings) -> bool:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(f"http://{host}:{settings.port}/healthz", timeout=CONNECT_SECONDS) as answer:
            return "version" in json.loads(answer.read(65536))
    except (OSError, ValueError):
        return False


def _fault(url: str) -> str | None:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return "VIDGEN_PUBLIC_URL is no URL"
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return "VIDGEN_PUBLIC_URL must begin with https:// or http:// and name a host"
    if parts.username is not None or parts.password is not None:
        return "VIDGEN_PUBLIC_URL holds a user or password, which would be part of every link"
    if parts.query or parts.fragment:
        return "VIDGEN_PUBLIC_URL must end with the host, a port or a path"
    return None


def _is_wildcard(host: str) -> bool:
    """Whether it stands for every address of this machine."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_unspecified
    except ValueError:
        return host == ""


def _is_network(entry: str) -> bool:
    try:
        return bool(ipaddress.ip_network(entry, strict=False))
    except ValueError:
        return False


def _resolves(host: str) -> bool:
    try:
        return bool(socket.getaddrinfo(host, None))
    except (OSError, UnicodeError):
        return False
