"""Which addresses the service may call out to. A webhook must not become a way into the operator's network."""

import ipaddress
import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from urllib.parse import urlsplit

from vidgen.errors import VidgenError

URL_LIMIT = 2000
# what ipaddress.is_global lets pass although it leads to a private or local place, or may be turned into one
REFUSED = tuple(
    map(
        ipaddress.ip_network,
        (
            "0.0.0.0/8",
            "100.64.0.0/10",
            "168.63.129.16/32",  # a cloud's internal endpoint with a public-looking number
            "192.0.0.0/24",
            "192.88.99.0/24",
            "224.0.0.0/3",
            "::/96",  # IPv4-compatible: ::7f00:1 is 127.0.0.1
            "64:ff9b::/96",  # NAT64: 64:ff9b::7f00:1 is 127.0.0.1
            "64:ff9b:1::/48",
            "100::/64",
            "2001::/23",  # Teredo and its neighbours
            "2002::/16",  # 6to4 carries any IPv4 address
            "fc00::/7",
            "fe80::/10",
            "fec0::/10",
            "ff00::/8",
        ),
    )
)
HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9_-]*[A-Za-z0-9])?)*\.?")

Address = IPv4Address | IPv6Address


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


def check_url(url: str) -> None:
    """The rules that need no network: scheme, shape, no user name. Raises AddressRefused."""
    _parse(url)


def resolve(url: str, allow: Sequence[str] = ()) -> Target:
    """Resolve once and check all answers; the caller connects to the address given and resolves no more.

    `allow` holds CIDRs and host names that may be reached although private. Raises AddressRefused.
    """
    scheme, host, port, path = _parse(url)
    try:
        answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise AddressRefused("url: its host name does not resolve", retryable=True) from error
    addresses = [str(answer[4][0]) for answer in answers]
    named = {entry.lower() for entry in allow}
    if host.lower() not in named:
        networks = [ipaddress.ip_network(entry, strict=False) for entry in allow if _is_network(entry)]
        # one bad answer refuses all: a name with mixed answers is an attack, not a mistake
        if not addresses or not all(_is_allowed(address, networks) for address in addresses):
            raise AddressRefused("url: its host has a private, local or reserved address")
    return Target(scheme=scheme, host=host, port=port, path=path, address=addresses[0])


def is_public(address: str) -> bool:
    """Whether an address literal is one of the public internet's."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = parsed.ipv4_mapped if isinstance(parsed, IPv6Address) else None
    checked: Address = mapped or parsed
    return checked.is_global and not any(
        checked in network for network in REFUSED if network.version == checked.version
    )


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
    host = parts.hostname or ""
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
