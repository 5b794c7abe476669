"""What each route asks of its caller, written beside the route; a route that says nothing is for administrators.

Knows scopes. Does not know how callers are recognised (identity.py).
"""

from collections.abc import Callable
from typing import Any, TypeVar

from vidgen.jobs.tenants.keys import ADMIN, SCOPES
from vidgen_web.caller import Caller
from vidgen_web.problems import ProblemError

View = TypeVar("View", bound=Callable[..., Any])

# besides the scopes of keys: nobody is asked, or any key will do
PUBLIC, ANY_KEY = "public", "any key"
ATTRIBUTE, SIGNATURE_ATTRIBUTE = "__access__", "__signature_will_do__"
CHALLENGE = {"WWW-Authenticate": 'Bearer realm="vidgen"'}


def needs(scope: str) -> Callable[[View], View]:
    """Say what a view asks of its caller: a scope, ANY_KEY or PUBLIC."""
    if scope not in (*SCOPES, PUBLIC, ANY_KEY):
        raise ValueError(f"{scope} is no scope")

    def attach(view: View) -> View:
        setattr(view, ATTRIBUTE, scope)
        return view

    return attach


def signature_will_do(view: View) -> View:
    """Mark a view that checks signed URLs itself: whoever brings one needs no key."""
    setattr(view, SIGNATURE_ATTRIBUTE, True)
    return view


def checks_signatures(view: Callable[..., Any] | None) -> bool:
    return getattr(view, SIGNATURE_ATTRIBUTE, False) is True


def need_of(view: Callable[..., Any] | None) -> str | None:
    """What the view asks for; None when it does not say."""
    found = getattr(view, ATTRIBUTE, None)
    return found if isinstance(found, str) else None


def check(view: Callable[..., Any] | None, caller: Caller, *, has_signature: bool) -> None:
    """Raise ProblemError unauthorized or missing_scope unless the caller may use the view."""
    need = need_of(view) or ADMIN
    if need == PUBLIC or (has_signature and checks_signatures(view)):
        return
    if not caller.is_known:
        raise ProblemError("unauthorized", "send an API key: Authorization: Bearer vg_…", headers=CHALLENGE)
    if need != ANY_KEY and not caller.may(need):
        raise ProblemError("missing_scope", f"this API key lacks the scope {need}")
