"""Which addresses the service may call out to. A webhook must not become a way into the operator's network."""

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv6Address
from urllib.parse import urlsplit

from vidgen.errors import VidgenError
from vidgen.jobs.outbound.lookup import addresses_of

URL_LIMIT = 2000
LOOKUP_SECONDS = 15.0
# a registration should not wait for a slow name server; the delivery asks again, and longer
REGISTRATION_SECONDS = 2.0
# all of IPv6 that is routed to single hosts of the internet; IPv4 addresses in disguise lie outside or are refused
UNICAST = ipaddress.ip_network("2000::/3")
# beside what Python's own table knows, which misses some of it and differs from version to version
REFUSED = tuple(
    map(
        ipaddress.ip_network,
        (
            "168.63.129.16/32",  # a cloud's internal endpoint with a public-looking number
            "192.0.0.0/24",
            "192.88.99.0/24",
            "224.0.0.0/3",
            "2001::/23",  # Teredo and its neighbours; newer tables let parts of it pass
            "2002::/16",  # 6to4 carries any IPv4 address
            "3fff::/20",
        ),
    )
)
HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9_-]*[A-Za-z0-9])?)*")

WEBHOOKS = "VIDGEN_WEBHOOK_ALLOW_PRIVATE"


class AddressRefused(VidgenError):
    """The URL is not one the service may call. The message names the rule, not what it resolved to."""

    code = "url_refused"


@dataclass(frozen=True, slots=True)
class Target:
    """A checked URL: connect to `address`, but keep `host` for the Host header and for TLS."""

    scheme: str
    host: str
    port: int
    path: str
    address: str


def check_url(url: str, allow: Sequence[str] = ()) -> None:
    """What can be known of a receiver's URL before it is called. Raises AddressRefused.

    A name that does not resolve yet is no reason to refuse it: every delivery resolves and checks anew.
    """
    try:
        resolve(url, allow, REGISTRATION_SECONDS)
    except AddressRefused as error:
        if not error.retryable:
            raise


def resolve(url: str, allow: Sequence[str] = (), seconds: float = LOOKUP_SECONDS, setting: str = WEBHOOKS) -> Target:
    """Resolve once and check all answers; the caller connects to the address given and resolves no more.

    `allow` holds CIDRs and host names that may be reached although private; `setting` is where the operator says so.
    Raises AddressRefused.
    """
    scheme, host, port, path = _parse(url)
    try:
        addresses = addresses_of(host, port, seconds)
    except (OSError, UnicodeError) as error:
        raise AddressRefused("url: its host name does not resolve", retryable=True) from error
    if host.lower() not in {entry.lower() for entry in allow}:
        networks = [ipaddress.ip_network(entry, strict=False) for entry in allow if _is_network(entry)]
        # one bad answer refuses all: a name with mixed answers is an attack, not a mistake
        if not addresses or not all(_is_allowed(address, networks) for address in addresses):
            raise AddressRefused(
                f"url: its host has a private, local or reserved address; the operator can permit it in {setting}"
            )
    return Target(scheme=scheme, host=host, port=port, path=path, address=addresses[0])


def is_public(address: str) -> bool:
    """Whether an address literal is one of the public internet's.

    Addresses that carry another one (IPv4-mapped, NAT64, 6to4, Teredo) are refused whatever they carry.
    """
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, IPv6Address) and parsed not in UNICAST:
        return False
    return parsed.is_global and not any(parsed in network for network in REFUSED if network.version == parsed.version)


def _parse(url: str) -> tuple[str, str, int, str]:
    if len(url) > URL_LIMIT or not url.isascii() or any(ord(letter) <= 32 or ord(letter) == 127 for letter in url):
        raise AddressRefused(f"url: at most {URL_LIMIT} ASCII characters without spaces")
    if "\\" in url:
        raise AddressRefused("url: no backslashes")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise AddressRefused("url: not a valid URL") from error
    if parts.scheme not in ("http", "https"):
        raise AddressRefused("url: only http and https")
    if parts.username is not None or parts.password is not None:
        raise AddressRefused("url: no user name or password")
    # the dot that ends a full name is no part of it for certificates, nor for the allow-list
    host = (parts.hostname or "").removesuffix(".")
    if not _is_literal(host) and not HOST.fullmatch(host):
        raise AddressRefused("url: not a valid host name")
    if port == 0:
        raise AddressRefused("url: not a valid port")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return parts.scheme, host, port or (443 if parts.scheme == "https" else 80), path


def _is_literal(host: str) -> bool:
    try:
        # a zone ("fe80::1%eth0") would choose an interface
        return "%" not in host and bool(ipaddress.ip_address(host))
    except ValueError:
        return False


def _is_network(entry: str) -> bool:
    try:
        return bool(ipaddress.ip_network(entry, strict=False))
    except ValueError:
        return False


def _is_allowed(address: str, networks: Sequence[ipaddress.IPv4Network | ipaddress.IPv6Network]) -> bool:
    if is_public(address):
        return True
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in networks if network.version == parsed.version)
