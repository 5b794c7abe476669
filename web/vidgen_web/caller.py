"""Who sends the request. Everything that a route does happens with this caller's eyes (see services.services)."""

from dataclasses import dataclass

from flask import g, has_request_context

from vidgen.jobs.tenants.keys import ADMIN, SCOPES
from vidgen.jobs.tenants.tenancy import LOCAL, NOBODY
from vidgen.telemetry import context

API = "/api/v1"
# the same views for the portal's own pages: they know the session's cookie, which the API does not look at
PORTAL_API = "/portal/api"
_PLACE = "vidgen_caller"


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose rows exist for this request, what it may do, and whom the audit log names for it.

    `key_id` is None for this machine's own user, `session_id` for who sent the key itself. `api` is where this caller's
    browser finds the API.
    """

    tenant: str
    scopes: frozenset[str] = frozenset()
    key_id: str | None = None
    name: str = ""
    in_portal: bool = False
    session_id: str | None = None

    @property
    def is_known(self) -> bool:
        return self.tenant != NOBODY

    @property
    def api(self) -> str:
        return PORTAL_API if self.in_portal else API

    @property
    def actor(self) -> str:
        return self.key_id or LOCAL

    def may(self, scope: str) -> bool:
        return ADMIN in self.scopes or scope in self.scopes


STRANGER = Caller(NOBODY)
LOCAL_USER = Caller(LOCAL, frozenset(SCOPES))


def set_caller(caller: Caller) -> None:
    setattr(g, _PLACE, caller)
    context.add(tenant=caller.tenant or None)


def caller() -> Caller:
    """The caller of this request; a stranger, to whom nothing exists, until somebody was recognised."""
    found = g.get(_PLACE, STRANGER) if has_request_context() else STRANGER
    assert isinstance(found, Caller)
    return found
