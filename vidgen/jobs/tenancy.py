"""Tenants: a repository that is bound to one finds, changes and makes that tenant's rows alone.

Rows of others do not exist for it, and one statement says so: an id of another tenant and an id of nobody take the
same path. Workers use repositories that are bound to none and see all. Knows nothing of keys or requests.
"""

from copy import copy
from typing import Self

from sqlalchemy import ColumnElement, true
from sqlalchemy.orm import Mapped

LOCAL = "local"
# owns nothing: what a request is bound to until it is known whose it is
NOBODY = ""


class Tenanted:
    """A repository, bound to no tenant until `of` says so."""

    _tenant: str | None = None

    def of(self, tenant: str) -> Self:
        """The same repository with one tenant's eyes."""
        bound = copy(self)
        bound._tenant = tenant
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
