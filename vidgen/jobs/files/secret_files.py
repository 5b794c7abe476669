"""Secrets that the service makes for itself at first use and keeps in files that only its user can read."""

import base64
import binascii
import contextlib
import os
import secrets
from collections.abc import Callable
from pathlib import Path

WEBHOOK_PREFIX = "whsec_"
# bytes, as Standard Webhooks 1.0 asks
SHORTEST_WEBHOOK_SECRET, LONGEST_WEBHOOK_SECRET = 24, 64


def web_secret() -> str:
    return secrets.token_urlsafe(48)


def webhook_secret() -> str:
    """`whsec_` and the standard base64 of 32 random bytes, as Standard Webhooks asks."""
    return WEBHOOK_PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def check_webhook_secret(secret: str) -> None:
    """Raise ValueError, which does not quote it, for a secret that Standard Webhooks does not know."""
    try:
        key = base64.b64decode(secret.removeprefix(WEBHOOK_PREFIX), validate=True)
    except binascii.Error:
        key = b""
    if not (secret.startswith(WEBHOOK_PREFIX) and SHORTEST_WEBHOOK_SECRET <= len(key) <= LONGEST_WEBHOOK_SECRET):
        raise ValueError(
            f"must be {WEBHOOK_PREFIX} and the standard base64 of {SHORTEST_WEBHOOK_SECRET} to "
            f"{LONGEST_WEBHOOK_SECRET} bytes; left out, one is made and kept"
        )


def read_or_create(file: Path, make: Callable[[], str]) -> str:
    """The file's text; when it is absent, `make()` written with mode 0600. Two processes get the same one."""
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        draft = file.with_name(f".{file.name}.{secrets.token_hex(8)}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as handle:
            handle.write(make())
        # link fails when another process was first: then its secret counts, never a half-written one
        with contextlib.suppress(FileExistsError):
            os.link(draft, file)
        draft.unlink()
    return file.read_text().strip()
