"""The portal's session: a cookie that names an API key, an end and itself, signed with the service's secret.

A session ends at its end, when its key is revoked or expires, or when it is signed out, which alone the server writes
down: a copy of the cookie would outlive it otherwise.
"""

import hashlib
import hmac
import secrets
import time
from dataclasses import dataclass

COOKIE = "vidgen_session"
LIFETIME_SECONDS = 12 * 3600


@dataclass(frozen=True, slots=True)
class Session:
    """`expires_at` is in seconds since 1970."""

    id: str
    key_id: str
    expires_at: int


def make(secret_key: str, key_id: str, now: float | None = None) -> str:
    """The cookie's value for a session that begins now."""
    session = Session(secrets.token_hex(8), key_id, int((time.time() if now is None else now) + LIFETIME_SECONDS))
    return f"{session.key_id}.{session.expires_at}.{session.id}.{_signature(secret_key, session)}"


def read(secret_key: str, cookie: str, now: float | None = None) -> Session | None:
    """The session of a cookie; None when the cookie is not ours or its time is over."""
    parts = cookie.split(".")
    if len(parts) != 4:
        return None
    key_id, end, session_id, signature = parts
    if not (end.isascii() and end.isdigit() and len(end) <= 12):
        return None
    session = Session(session_id, key_id, int(end))
    # the end as it is written, so that 007 is not 7
    good = str(session.expires_at) == end and hmac.compare_digest(
        _signature(secret_key, session).encode(), signature.encode(errors="replace")
    )
    return session if good and session.expires_at > (time.time() if now is None else now) else None


def _signature(secret_key: str, session: Session) -> str:
    message = f"portal-session\n{session.key_id}\n{session.expires_at}\n{session.id}".encode(errors="replace")
    return hmac.new(secret_key.encode(), message, hashlib.sha256).hexdigest()
