"""When a receiver is given up: at once when it says that it is gone, and after days of nothing but failures.

Changes the row that the caller holds locked; knows neither the schedule nor the network.
"""

from vidgen.jobs.database.tables import EndpointRow

FAILING_SECONDS = 5 * 86400.0
GONE, FAILING, ASKED = "gone", "failing", "asked"


def succeeded(endpoint: EndpointRow) -> None:
    """One answer is enough: the receiver lives."""
    endpoint.failing_since = None


def failed(endpoint: EndpointRow, now: float, *, last: bool, gone: bool) -> None:
    """An attempt failed; `last`: the delivery has no further one.

    Only a delivery that has used up its days of attempts may end in giving the receiver up: a single failure after a
    quiet week says little.
    """
    endpoint.failing_since = now if endpoint.failing_since is None else endpoint.failing_since
    if gone:
        disable(endpoint, GONE, now)
    elif last and now - endpoint.failing_since >= FAILING_SECONDS:
        disable(endpoint, FAILING, now)


def disable(endpoint: EndpointRow, reason: str, now: float) -> None:
    """No deliveries until somebody enables it; those that wait, wait on. The first reason stays."""
    if endpoint.enabled:
        endpoint.enabled, endpoint.disabled_reason, endpoint.disabled_at = False, reason, now


def enable(endpoint: EndpointRow) -> None:
    """With a clean slate."""
    endpoint.enabled, endpoint.disabled_reason, endpoint.disabled_at, endpoint.failing_since = True, None, None, None
