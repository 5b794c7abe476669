"""Secrets that the service makes for itself at first use and keeps in files that only its user can read."""

import base64
import contextlib
import os
import secrets
from collections.abc import Callable
from pathlib import Path


def web_secret() -> str:
    return secrets.token_urlsafe(48)


def webhook_secret() -> str:
    """`whsec_` and the standard base64 of 32 random bytes, as Standard Webhooks asks."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


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
