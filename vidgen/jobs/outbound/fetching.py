"""Fetches a file that a client named by URL: public addresses only, every redirect checked anew, bytes and time capped.

Knows nothing of what the bytes are; whoever reads them treats them as an upload.
"""

import http.client
import time
from collections.abc import Sequence
from urllib.parse import urljoin

from vidgen.errors import VidgenError
from vidgen.jobs.outbound.addresses import resolve
from vidgen.jobs.webhooks.sender import SendFailed, connection_to

DEADLINE_SECONDS = 15.0
MOST_REDIRECTS = 3
SETTING = "VIDGEN_FETCH_ALLOW_PRIVATE"
HEADER_LIMIT = 64 * 1024
REDIRECTS = frozenset({301, 302, 303, 307, 308})
HEADERS = {"User-Agent": "vidgen", "Accept": "image/*", "Accept-Encoding": "identity", "Connection": "close"}


class FetchFailed(VidgenError):
    """No file came: refused, timed out, too large, or another answer than 200. The message holds no address."""

    code = "url_unreachable"


def fetch(url: str, *, limit: int, allow: Sequence[str] = (), seconds: float = DEADLINE_SECONDS) -> bytes:
    """The body behind a URL, `limit` bytes at most. Raises AddressRefused before connecting, FetchFailed after."""
    deadline = time.monotonic() + seconds
    for _ in range(MOST_REDIRECTS + 1):
        found = _get(url, limit, allow, deadline - time.monotonic())
        if isinstance(found, bytes):
            return found
        url = urljoin(url, found)
    raise FetchFailed(f"more than {MOST_REDIRECTS} redirects")


def _get(url: str, limit: int, allow: Sequence[str], seconds: float) -> bytes | str:
    """The body, or where a redirect leads."""
    if seconds <= 0:
        raise FetchFailed("no file came in time")
    started = time.monotonic()
    target = resolve(url, allow, seconds, SETTING)
    seconds -= time.monotonic() - started
    try:
        with connection_to(target, seconds, None, limit + HEADER_LIMIT) as (connection, late):
            connection.request("GET", target.path, headers=HEADERS)
            with connection.getresponse() as response:
                moved = response.getheader("Location")
                if response.status in REDIRECTS and moved:
                    return moved
                if response.status != http.client.OK:
                    raise FetchFailed(f"answered {response.status}")
                body = response.read(limit + 1)
            # a connection that was cut when its time was over looks like the end of the body
            if late.is_set():
                raise FetchFailed("no file came in time")
            if len(body) > limit:
                raise FetchFailed(f"the file is larger than {limit >> 20} MB")
            return body
    except (SendFailed, OSError, http.client.HTTPException, ValueError) as error:
        raise FetchFailed(f"no answer ({type(error).__name__})") from error
