"""Who could reach the service at its address. In single-user mode nobody but this machine may."""

import ipaddress
from functools import lru_cache

from vidgen.errors import VidgenError
from vidgen.jobs.settings import Settings


class ExposedWithoutLogin(VidgenError):
    """The settings would let strangers in."""

    code = "exposed_without_login"


@lru_cache(maxsize=256)
def is_loopback(host: str) -> bool:
    """Whether `host` is `localhost` or an address of the loopback interface."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def refuse_exposure(settings: Settings) -> None:
    """Raise ExposedWithoutLogin when an address that other machines reach would let in callers without a key."""
    if settings.auth == "local" and not is_loopback(settings.host):
        raise ExposedWithoutLogin(
            f"host={settings.host}: other machines reach this address, and without VIDGEN_AUTH=keys it would let "
            "everybody in; set VIDGEN_AUTH=keys (`vidgen keys create` makes keys), or use 127.0.0.1"
        )
