"""Public ids: a prefix that says what it names, and 128 random bits so that nobody guesses a neighbour's."""

import secrets


def new_id(prefix: str) -> str:
    """`job`, `upl`, `art`, `we`, `evt` or `whd`, an underscore and 22 URL-safe characters."""
    return f"{prefix}_{secrets.token_urlsafe(16)}"
