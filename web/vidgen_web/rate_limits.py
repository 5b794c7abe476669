"""How many requests the keys of one tenant may send: a bucket of tokens for each, in this process's memory.

Not in the database: a limit that costs a write for every read would cost more than what it protects. So it is a guard
against bursts and runaway loops, exact in one process; several web processes allow as many times more. What must be
exact is a quota (vidgen.jobs.tenants.quotas).
"""

import math
import threading
import time
from dataclasses import dataclass

from flask import Flask, Response, g

from vidgen_web.caller import caller
from vidgen_web.problems import ProblemError

WINDOW_SECONDS = 60
_PLACE = "vidgen_rate"


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: float


@dataclass(frozen=True, slots=True)
class Standing:
    """What a request found: whether it may go on, how many more may follow at once, and when there is one again."""

    allowed: bool
    remaining: int
    wait_seconds: int


class Buckets:
    """Each holds `limit` tokens and is filled again within a minute. Time is handed in, in seconds."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._buckets: dict[str, _Bucket] = {}
        self._lock = threading.Lock()

    def take(self, name: str, now: float) -> Standing:
        """Take one token out of the named bucket, if there is one."""
        rate = self.limit / WINDOW_SECONDS
        with self._lock:
            bucket = self._buckets.setdefault(name, _Bucket(float(self.limit), now))
            bucket.tokens = min(float(self.limit), bucket.tokens + (now - bucket.at) * rate)
            bucket.at = now
            allowed = bucket.tokens >= 1
            bucket.tokens -= allowed
            wait = 0 if bucket.tokens >= 1 else math.ceil((1 - bucket.tokens) / rate)
            return Standing(allowed, int(bucket.tokens), wait)


def limit(app: Flask, per_minute: int) -> None:
    """Refuse what is too much, and say on every answer to a key how much is left. 0: no limit."""
    buckets = Buckets(per_minute)

    @app.before_request
    def take() -> None:
        who = caller()
        # this machine's own user has no key and no limit; a page of the portal is dozens of requests
        if per_minute == 0 or who.key_id is None or who.in_portal:
            return
        standing = buckets.take(who.tenant, time.monotonic())
        setattr(g, _PLACE, standing)
        if not standing.allowed:
            raise ProblemError(
                "rate_limited",
                f"more than {per_minute} requests a minute; try again in {standing.wait_seconds} s",
                headers={"Retry-After": str(standing.wait_seconds)},
            )

    @app.after_request
    def tell(response: Response) -> Response:
        standing = g.get(_PLACE)
        if standing is not None:
            response.headers["RateLimit-Policy"] = f'"requests";q={per_minute};w={WINDOW_SECONDS}'
            response.headers["RateLimit"] = f'"requests";r={standing.remaining};t={standing.wait_seconds}'
        return response
