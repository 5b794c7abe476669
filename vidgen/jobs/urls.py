"""Artifact links that work without a key until they expire, and that nobody can make without the secret."""

import hashlib
import hmac
import time
from datetime import datetime


def sign_artifact_url(secret_key: str, artifact_id: str, expires_at: datetime) -> str:
    """`/api/v1/artifacts/{id}?expires=…&signature=…`; put the service's base URL before it where needed."""
    expires = int(expires_at.timestamp())
    return f"/api/v1/artifacts/{artifact_id}?expires={expires}&signature={_signature(secret_key, artifact_id, expires)}"


def check(
    secret_key: str, artifact_id: str, expires: str | None, signature: str | None, now: float | None = None
) -> bool:
    """Whether the query's two values are a signature of ours for this artifact that has not expired."""
    if not expires or not signature or not expires.isascii() or not expires.isdigit() or len(expires) > 12:
        return False
    wanted = _signature(secret_key, artifact_id, int(expires))
    # bytes, because compare_digest refuses text that is not ASCII
    good = hmac.compare_digest(wanted.encode(), signature.encode())
    return good and int(expires) > (time.time() if now is None else now)


def _signature(secret_key: str, artifact_id: str, expires: int) -> str:
    message = f"artifact\n{artifact_id}\n{expires}".encode()
    return hmac.new(secret_key.encode(), message, hashlib.sha256).hexdigest()
