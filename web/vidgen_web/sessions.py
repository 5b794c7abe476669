"""The portal's session: a cookie that names an API key and an end, signed with the service's secret.

The server keeps nothing. A session ends at its end, when it is signed out, or when its key is revoked or expires.
"""

import hashlib
import hmac
import time

COOKIE = "vidgen_session"
LIFETIME_SECONDS = 12 * 3600


def make(secret_key: str, key_id: str, now: float | None = None) -> str:
    """The cookie's value for a session that begins now."""
    end = int((time.time() if now is None else now) + LIFETIME_SECONDS)
    return f"{key_id}.{end}.{_signature(secret_key, key_id, end)}"


def key_id(secret_key: str, cookie: str, now: float | None = None) -> str | None:
    """The key that a session began with; None when the cookie is not ours or its time is over."""
    name, _, rest = cookie.partition(".")
    end, _, signature = rest.partition(".")
    if not (end.isascii() and end.isdigit() and len(end) <= 12):
        return None
    good = hmac.compare_digest(_signature(secret_key, name, int(end)).encode(), signature.encode())
    return name if good and int(end) > (time.time() if now is None else now) else None


def _signature(secret_key: str, key_id: str, end: int) -> str:
    message = f"portal-session\n{key_id}\n{end}".encode()
    return hmac.new(secret_key.encode(), message, hashlib.sha256).hexdigest()
