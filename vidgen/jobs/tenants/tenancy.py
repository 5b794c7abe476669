"""Tenants: a repository that is bound to one finds, changes and makes that tenant's rows alone.

Rows of others do not exist for it, and one statement says so: an id of another tenant and an id of nobody take the
same path. Workers use repositories that are bound to none and see all. Knows nothing of keys or requests.
"""

from typing import Self

from sqlalchemy import ColumnElement, String, bindparam, or_, true
from sqlalchemy.orm import Mapped, Session

from vidgen.jobs.tenants.audit import append

LOCAL = "local"
# owns nothing: what a request is bound to until it is known whose it is
NOBODY = ""


def visible_to(tenant: ColumnElement[str]) -> ColumnElement[bool]:
    """The condition of Tenanted._visible for statements that are made once: `:tenant`, or None for whoever sees all."""
    asked = bindparam("tenant", type_=String())
    return or_(asked.is_(None), tenant == asked)


class Tenanted:
    """A repository, bound to no tenant until `of` says so."""

    _tenant: str | None = None
    _actor: str | None = None

    def of(self, tenant: str, actor: str | None = None) -> Self:
        """The same repository with one tenant's eyes; `actor` is whom the audit log names for what it changes."""
        bound = object.__new__(type(self))
        # five of them for every request: copy.copy takes several times as long
        bound.__dict__.update(self.__dict__, _tenant=tenant, _actor=actor)
        return bound

    def _visible(self, tenant: Mapped[str]) -> ColumnElement[bool]:
        """The condition that belongs into every statement about rows which somebody owns."""
        return true() if self._tenant is None else tenant == self._tenant

    @property
    def _owner(self) -> str:
        """Whose a new row is."""
        if self._tenant == NOBODY:
            raise RuntimeError("nobody asked for this row")  # a request that was let through unidentified
        return self._tenant or LOCAL

    def _audit(self, session: Session, action: str, subject: str, **detail: str) -> None:
        """Note in this very transaction who did what to `subject`; what the service does by itself is not noted."""
        if self._actor is not None:
            append(session, tenant=self._owner, actor=self._actor, action=action, subject=subject, detail=detail)
