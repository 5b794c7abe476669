"""Settings that a person keeps under a name, to begin the next clip with. Knows texts of forms, not specs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, func, select
from sqlmodel import col

from vidgen.errors import VidgenError
from vidgen.jobs.database.clock import database_now
from vidgen.jobs.database.session import reading, writing
from vidgen.jobs.database.tables import PresetRow
from vidgen.jobs.tenants.tenancy import Tenanted

NAME_LIMIT = 60
MOST = 100
LARGEST = 20_000


@dataclass(frozen=True, slots=True)
class Preset:
    name: str
    values: Mapping[str, str]


class PresetRepository(Tenanted):
    """Those of one tenant, by name."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def list(self) -> list[Preset]:
        with reading(self._engine) as session:
            rows = session.scalars(
                select(PresetRow).where(self._visible(col(PresetRow.tenant))).order_by(col(PresetRow.name))
            )
            return [_view(row) for row in rows]

    def get(self, name: str) -> Preset | None:
        with reading(self._engine) as session:
            row = session.get(PresetRow, (self._owner, name))
            return None if row is None else _view(row)

    def save(self, name: str, values: Mapping[str, str]) -> None:
        """Keep the values under this name, in place of what it named before. Raises VidgenError invalid_request."""
        shown = " ".join(name.split())
        if not shown or len(shown) > NAME_LIMIT or not shown.isprintable():
            raise VidgenError(f"preset: give a name of 1 to {NAME_LIMIT} printable characters", code="invalid_request")
        if sum(len(name) + len(text) for name, text in values.items()) > LARGEST:
            raise VidgenError(f"preset: it may hold {LARGEST} characters at most", code="invalid_request")
        with writing(self._engine) as session:
            row = session.get(PresetRow, (self._owner, shown))
            own = select(func.count()).select_from(PresetRow).where(col(PresetRow.tenant) == self._owner)
            if row is None and (session.scalar(own) or 0) >= MOST:
                raise VidgenError(
                    f"preset: there are {MOST}, the most allowed; remove one first", code="invalid_request"
                )
            row = row or PresetRow(tenant=self._owner, name=shown, values={}, created_at=database_now(session))
            row.values = dict(values)
            session.add(row)

    def delete(self, name: str) -> None:
        """What is not there is gone already."""
        with writing(self._engine) as session:
            row = session.get(PresetRow, (self._owner, name))
            if row is not None:
                session.delete(row)


def _view(row: PresetRow) -> Preset:
    told: Mapping[str, Any] = row.values
    return Preset(row.name, {str(name): str(value) for name, value in told.items()})
