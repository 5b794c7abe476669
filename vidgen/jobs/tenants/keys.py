"""API keys: `vg_<id>_<43 characters>`. The database holds their sha256, so a copied database opens nothing.

A plain sha256 is enough, and argon2 is not wanted: the secret part is 256 random bits, which no list of words holds.
"""

import hashlib
import hmac
import logging
import re
import secrets
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, Row, Select, bindparam, delete, exists, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session
from sqlmodel import col

from vidgen.errors import VidgenError
from vidgen.jobs.database.clock import DatabaseNow, as_datetime, as_optional_datetime, database_now
from vidgen.jobs.database.cursors import page
from vidgen.jobs.database.session import KEYS_LOCK, lock, looking, reading, writing, writing_if_free
from vidgen.jobs.database.tables import ApiKeyRow, EndedSessionRow, table_of
from vidgen.jobs.files.secret_files import read_or_create
from vidgen.jobs.tenants.tenancy import LOCAL, Tenanted
from vidgen.jobs.views import ApiKey, MadeKey, Page

log = logging.getLogger(__name__)

ADMIN = "admin"
SCOPES = {
    "jobs:read": "see jobs, events, forecasts and artifacts",
    "jobs:write": "queue, cancel, retry and delete jobs",
    "uploads": "send pictures and clips, and see them",
    "webhooks": "manage receivers and deliveries",
    ADMIN: "everything, and manage the tenant's API keys",
}
FIRST_KEY_FILE = "api_key"
TENANT = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
PREFIX = "vg_"
_FORM = re.compile(PREFIX + r"([0-9a-f]{12})_([A-Za-z0-9_-]{43})")
_NOBODYS = "0" * 64
# a write for every request would cost more than the requests; a minute's precision tells which keys are in use
TOUCH_SECONDS = 60.0
# when the database cannot take it down at once, requests go on and one of them tries again a little later
TOUCH_WAIT_SECONDS = 0.05
TOUCH_AGAIN_SECONDS = 10.0
DAY = 86400.0
MOST_DAYS = 3650.0

_KEYS, _ENDED = table_of(ApiKeyRow), table_of(EndedSessionRow)
# asked with every request: made once, as making it takes longer than running it
_KNOWN = select(_KEYS, DatabaseNow().label("now")).where(
    _KEYS.c.id == bindparam("id"), ~exists().where(_ENDED.c.id == bindparam("session"))
)


class KeyRefused(VidgenError):
    """The key is not one of ours, or counts no longer."""

    code = "unauthorized"


class KeyRepository(Tenanted):
    """Keys of one tenant or of all. Unknown ids raise not_found."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        # by key: when this process may try to note a use again
        self._touch_after: dict[str, float] = {}

    def create(self, name: str, scopes: Sequence[str], *, expires_in_days: float | None = None) -> MadeKey:
        """A new key of this tenant; the answer holds it, this once. Raises VidgenError invalid_scopes."""
        text = make_key()
        with writing(self._engine) as session:
            row = self._add(session, text, name, _checked(scopes), _checked_days(expires_in_days))
            return MadeKey(**_view(row).model_dump(), key=text)

    def create_first(self, folder: Path) -> Path | None:
        """Where a service without any key keeps the one made for it now; None when there are keys already."""
        with reading(self._engine) as session:
            if session.scalar(select(col(ApiKeyRow.id)).limit(1)) is not None:
                return None
        file = folder / FIRST_KEY_FILE
        text = read_or_create(file, make_key)
        with writing(self._engine) as session:
            lock(session, KEYS_LOCK)
            if session.scalar(select(col(ApiKeyRow.id)).limit(1)) is None:
                bound = self.of(LOCAL, "first start")
                bound._add(session, text, "made at first start", [ADMIN], None)
        return file

    def list(self, limit: int = 20, cursor: str | None = None) -> Page[ApiKey]:
        """Newest first, revoked and expired ones too. Raises VidgenError invalid_cursor."""
        statement = select(ApiKeyRow).where(self._visible(col(ApiKeyRow.tenant)))
        with reading(self._engine) as session:
            rows, following = page(session, ApiKeyRow, statement, limit, cursor)
            return Page[ApiKey](items=tuple(map(_view, rows)), next_cursor=following)

    def get(self, key_id: str) -> ApiKey | None:
        with reading(self._engine) as session:
            row = session.scalar(self._one(key_id))
            return None if row is None else _view(row)

    def revoke(self, key_id: str) -> ApiKey:
        """From now on the key opens nothing, nor do sessions that began with it. Again: changes nothing."""
        with writing(self._engine) as session:
            row = session.scalar(self._one(key_id).with_for_update())
            if row is None:
                raise VidgenError(f"{key_id}: no such API key", code="not_found")
            if row.revoked_at is None:
                row.revoked_at = database_now(session)
                self._audit(session, "key.revoked", key_id, name=row.name)
            return _view(row)

    def recognise(self, text: str) -> ApiKey:
        """The key that `text` is. Raises KeyRefused, in the same way for wrong, unknown and revoked ones."""
        form = _FORM.fullmatch(text)
        key_id = form[1] if form else ""
        row, now = self._look_up(key_id)
        # compared even when there is no such key, so that the answer's time does not tell which ids exist
        known = hmac.compare_digest(_NOBODYS if row is None else row.sha256, _digest(text))
        if row is None or not known:
            raise KeyRefused("this API key is not known here")
        return self._counting(row, now)

    def recognise_session(self, key_id: str, session_id: str) -> ApiKey:
        """The key behind a session whose signature was checked. Raises KeyRefused, also when it was signed out."""
        row, now = self._look_up(key_id, session_id)
        if row is None:
            raise KeyRefused("this API key is not known here, or the session was ended")
        return self._counting(row, now)

    def still_counts(self, key_id: str, session_id: str | None = None) -> bool:
        """Whether a key, or a session of it, that was recognised before would be now. Notes no use."""
        row, now = self._look_up(key_id, session_id)
        return row is not None and _refusal(row, now) is None

    def end_session(self, session_id: str, expires_at: float) -> None:
        """From now on the session opens nothing. `expires_at`: until when this must be remembered."""
        with writing(self._engine) as session:
            lock(session, KEYS_LOCK)  # a second click of the same button
            session.merge(EndedSessionRow(id=session_id, expires_at=expires_at))

    def forget_sessions(self) -> None:
        """Forget the ended sessions whose cookies count for nothing by themselves."""
        # a web process's clock may be behind the database's
        with writing(self._engine) as session:
            over = col(EndedSessionRow.expires_at) < database_now(session) - DAY
            session.execute(delete(EndedSessionRow).where(over))

    def _counting(self, row: Row[Any], now: float) -> ApiKey:
        if (refusal := _refusal(row, now)) is not None:
            raise KeyRefused(refusal)
        if row.last_used_at is None or row.last_used_at < now - TOUCH_SECONDS:
            self._touch(row.id, now)
        return _view(row)

    def _look_up(self, key_id: str, session_id: str | None = None) -> tuple[Row[Any] | None, float]:
        """The key's row and the time; no row for a session that was ended."""
        with looking(self._engine) as connection:
            row = connection.execute(_KNOWN, {"id": key_id, "session": session_id or ""}).first()
            return row, 0.0 if row is None else float(row.now)

    def _touch(self, key_id: str, now: float) -> None:
        """Note the use, if the database can at once: a read must not fail because a note of it cannot be written."""
        if time.monotonic() < self._touch_after.get(key_id, 0.0):
            return
        self._touch_after[key_id] = time.monotonic() + TOUCH_AGAIN_SECONDS
        try:
            with writing_if_free(self._engine, TOUCH_WAIT_SECONDS) as session:
                session.execute(update(ApiKeyRow).where(col(ApiKeyRow.id) == key_id).values(last_used_at=now))
        except SQLAlchemyError as error:
            log.warning("the use of an API key was not noted: %s", type(error).__name__)

    def _add(
        self, session: Session, text: str, name: str, scopes: Sequence[str], expires_in_days: float | None
    ) -> ApiKeyRow:
        now = database_now(session)
        row = ApiKeyRow(
            id=text.split("_")[1],
            tenant=self._owner,
            name=name,
            sha256=_digest(text),
            scopes=[*scopes],
            created_by=self._actor or "",
            created_at=now,
            expires_at=None if expires_in_days is None else now + expires_in_days * DAY,
        )
        session.add(row)
        self._audit(session, "key.created", row.id, name=name, scopes=" ".join(scopes))
        return row

    def _one(self, key_id: str) -> Select[ApiKeyRow]:
        return select(ApiKeyRow).where(col(ApiKeyRow.id) == key_id, self._visible(col(ApiKeyRow.tenant)))


def make_key() -> str:
    """A new key; its id is public, what follows is the secret."""
    return f"{PREFIX}{secrets.token_hex(6)}_{secrets.token_urlsafe(32)}"


def check_tenant(name: str) -> str:
    """`name`, if a tenant may be called so. Raises VidgenError invalid_tenant."""
    if not TENANT.fullmatch(name):
        raise VidgenError(
            f"tenant {name!r}: give 1 to 63 small letters, digits, - and _, a letter or digit first",
            code="invalid_tenant",
        )
    return name


def _checked(scopes: Sequence[str]) -> Sequence[str]:
    if not scopes or not set(scopes) <= set(SCOPES):
        raise VidgenError(f"scopes: choose from {', '.join(SCOPES)}", code="invalid_scopes")
    return [scope for scope in SCOPES if scope in scopes]


def _checked_days(days: float | None) -> float | None:
    if days is not None and not 0 < days <= MOST_DAYS:
        nearest = "leave it out for a key without an end" if days != days or days <= 0 else f"nearest is {MOST_DAYS:g}"
        raise VidgenError(
            f"days={days:g}: a key lasts more than 0 and at most {MOST_DAYS:g} days; {nearest}", code="invalid_request"
        )
    return days


def _refusal(row: Row[Any], now: float) -> str | None:
    """Why this key counts no longer; None while it does."""
    if row.revoked_at is not None:
        return "this API key was revoked"
    if row.expires_at is not None and row.expires_at <= now:
        return "this API key has expired"
    return None


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()


def _view(row: ApiKeyRow | Row[Any]) -> ApiKey:
    return ApiKey(
        id=row.id,
        tenant=row.tenant,
        name=row.name,
        scopes=tuple(row.scopes),
        created_by=row.created_by,
        created_at=as_datetime(row.created_at),
        expires_at=as_optional_datetime(row.expires_at),
        revoked_at=as_optional_datetime(row.revoked_at),
        last_used_at=as_optional_datetime(row.last_used_at),
    )
