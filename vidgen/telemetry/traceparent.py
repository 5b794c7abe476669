"""W3C trace context (https://www.w3.org/TR/trace-context/): `00-<trace>-<span>-<flags>`, read and made. No library."""

import re
import secrets

TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")
SAMPLED = "01"


def is_valid(header: str | None) -> bool:
    """Whether the header names a trace and a span; zeros are none."""
    found = TRACEPARENT.fullmatch(header or "")
    return found is not None and all(int(number, 16) for number in found.groups())


def new_traceparent() -> str:
    """The start of a new trace, to be recorded by whoever can."""
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-{SAMPLED}"


def trace_of(traceparent: str | None) -> str | None:
    """The trace's id, 32 hex digits."""
    return traceparent.split("-")[1] if traceparent is not None and is_valid(traceparent) else None
