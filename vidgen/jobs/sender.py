"""Sends one signed POST to an address that was checked before. No redirects, no proxies, one deadline for all of it.

http.client and not a fuller library: the socket must go to the very address that was checked, while the Host header
and the TLS name stay those of the URL.
"""

import contextlib
import http.client
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from vidgen.errors import VidgenError
from vidgen.jobs.addresses import Target, resolve

DEADLINE_SECONDS = 15.0
ANSWER_LIMIT = 64 * 1024
LONGEST_RETRY_AFTER = 86400.0


class SendFailed(VidgenError):
    """No answer came: refused, reset, timed out, or not HTTP. The message holds no URL, which may carry secrets."""

    code = "webhook_failed"
    retryable = True


@dataclass(frozen=True, slots=True)
class Answer:
    """`retry_after` is in seconds and only read from 429 and 503."""

    status: int
    retry_after: float | None = None


def post(
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    allow: Sequence[str] = (),
    seconds: float = DEADLINE_SECONDS,
    tls: ssl.SSLContext | None = None,
) -> Answer:
    """POST `body` and return the status. Raises AddressRefused before connecting, SendFailed after."""
    target = resolve(url, allow)
    try:
        with connection_to(target, seconds, tls) as (connection, late):
            connection.request("POST", target.path, body=body, headers=dict(headers))
            response = connection.getresponse()
            if len(response.read(ANSWER_LIMIT + 1)) > ANSWER_LIMIT:
                raise SendFailed(f"the answer is longer than {ANSWER_LIMIT} bytes")
            # http.client takes a connection cut within the headers for their end
            if late.is_set():
                raise SendFailed(f"no answer within {seconds:g} s")
            return Answer(response.status, _retry_after(response.status, response.getheader("Retry-After")))
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise SendFailed(f"no answer: {type(error).__name__}") from error


@contextlib.contextmanager
def connection_to(
    target: Target, seconds: float, tls: ssl.SSLContext | None
) -> Iterator[tuple[http.client.HTTPConnection, threading.Event]]:
    """A connection to the checked address, and the event that is set when its time is over."""
    connection = http.client.HTTPConnection(target.host, target.port, timeout=seconds)
    with socket.create_connection((target.address, target.port), timeout=seconds) as plain, plain.dup() as guard:
        # timeouts of sockets start anew with every byte; this one ends a drip-fed answer too
        late = threading.Event()
        timer = threading.Timer(seconds, _hang_up, (guard, late))
        timer.daemon = True
        timer.start()
        try:
            connection.sock = plain
            if target.scheme == "https":
                context = tls or ssl.create_default_context()
                connection.sock = context.wrap_socket(plain, server_hostname=target.host)
            # the default port is left out of the Host header for http only by http.client itself
            connection.default_port = 443 if target.scheme == "https" else 80
            yield connection, late
        finally:
            timer.cancel()
            connection.close()


def _hang_up(guard: socket.socket, late: threading.Event) -> None:
    late.set()
    with contextlib.suppress(OSError):
        guard.shutdown(socket.SHUT_RDWR)


def _retry_after(status: int, value: str | None) -> float | None:
    if status not in (429, 503) or not value:
        return None
    if value.isascii() and value.strip().isdigit():
        seconds = float(value)
    else:
        try:
            seconds = parsedate_to_datetime(value).timestamp() - time.time()
        except (ValueError, OverflowError):  # a time zone of many digits is an OverflowError
            return None
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER)
