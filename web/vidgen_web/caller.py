"""Who sends the request. Everything that a route does happens with this caller's eyes (see services.services)."""

from dataclasses import dataclass

from flask import g, has_request_context

from vidgen.jobs.tenancy import LOCAL, NOBODY
from vidgen.telemetry import context

_PLACE = "vidgen_caller"


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose rows exist for this request."""

    tenant: str


STRANGER = Caller(NOBODY)
LOCAL_USER = Caller(LOCAL)


def set_caller(caller: Caller) -> None:
    setattr(g, _PLACE, caller)
    context.add(tenant=caller.tenant or None)


def caller() -> Caller:
    """The caller of this request; a stranger, to whom nothing exists, until somebody was recognised."""
    found = g.get(_PLACE, STRANGER) if has_request_context() else STRANGER
    assert isinstance(found, Caller)
    return found
