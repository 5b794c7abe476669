"""Artifact links that work without a key until they expire, and that nobody can make without the secret.

Every field of a link is signed, and a link has no fields besides: adding one, repeating one or writing one in another
way makes it another link, which is refused.
"""

import hashlib
import hmac
import time
from collections.abc import Mapping, Sequence
from datetime import datetime

SIGNATURE = "signature"


def sign_artifact_url(secret_key: str, artifact_id: str, expires_at: datetime, *, download: bool = False) -> str:
    """`/api/v1/artifacts/{id}?expires=…&signature=…`; put the service's base URL before it where needed.

    With `download` the file is answered as an attachment.
    """
    expires, chosen = str(int(expires_at.timestamp())), "1" if download else None
    query = f"expires={expires}" + (f"&download={chosen}" if chosen else "")
    return f"/api/v1/artifacts/{artifact_id}?{query}&{SIGNATURE}={_signature(secret_key, artifact_id, expires, chosen)}"


def check(secret_key: str, artifact_id: str, query: Mapping[str, Sequence[str]], now: float | None = None) -> bool:
    """Whether the whole query string, as lists of values by name, is one of ours for this artifact and still counts."""
    expires, download, signature = (query.get(name, [None]) for name in ("expires", "download", SIGNATURE))
    if not set(query) <= {"expires", "download", SIGNATURE} or any(len(v) != 1 for v in query.values()):
        return False
    if expires[0] is None or signature[0] is None or not _is_time(expires[0]):
        return False
    wanted = _signature(secret_key, artifact_id, expires[0], download[0])
    # bytes, because compare_digest refuses text that is not ASCII
    good = hmac.compare_digest(wanted.encode(), signature[0].encode())
    return good and int(expires[0]) > (time.time() if now is None else now)


def _is_time(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 12


def _signature(secret_key: str, artifact_id: str, expires: str, download: str | None) -> str:
    # what is signed is the text as it stands in the link, so that 007 is not 7
    fields = ["artifact", artifact_id, expires, "" if download is None else f"download={download}"]
    return hmac.new(secret_key.encode(), "\n".join(fields).encode(errors="replace"), hashlib.sha256).hexdigest()
