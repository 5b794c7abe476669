"""What a person should know whatever page they look at: webhook receivers that hear of nothing."""

from vidgen.jobs.views import Endpoint
from vidgen_web.caller import Caller
from vidgen_web.services import Services

LOOKED_AT = 200


def ill_webhooks(found: Services, caller: Caller) -> list[Endpoint]:
    """Receivers that do not answer or were given up, told to those who may manage them."""
    if not (caller.is_known and caller.may("webhooks")):
        return []
    return [endpoint for endpoint in found.endpoints.list(LOOKED_AT).items if _is_ill(endpoint)]


def _is_ill(endpoint: Endpoint) -> bool:
    """Failing, or given up; who switched one off knows that it is off."""
    return endpoint.failing_since is not None or endpoint.disabled_reason in ("gone", "failing")
